/** The client for other plugins and programs: each function loads its part when it is called. Does not describe tasks. */
import type * as Artifact from "./artifact.ts";
import type * as Assemble from "./assemble.ts";
import type * as Digests from "./digests.ts";
import type * as Fetch from "./fetch.ts";
import type { ClientOptions } from "./host.ts";
import type * as Http from "./http.ts";
import type { LockOptions } from "./lock.ts";
import type { Descriptor } from "./oci.ts";
import type * as Publish from "./publish.ts";
import type { Reference, ReferenceOptions } from "./reference.ts";
import type * as Retag from "./retag.ts";
import type * as Storage from "./storage.ts";
import type * as Tar from "./tarfile.ts";
import type * as Tls from "./tls.ts";
import type { Verification, VerifyOptions } from "./verify.ts";

export type { Artifacts, StreamedBlob } from "./artifact.ts";
export type { Assembled, AssembledChild, AssembleEntry, AssembleSpec } from "./assemble.ts";
export type { Digests } from "./digests.ts";
export type { FetchOptions } from "./fetch.ts";
export type { Client, ClientOptions } from "./host.ts";
export type { Body, Connection, HttpAnswer } from "./http.ts";
export type { PublishItem } from "./plan.ts";
export type { Published, PublishOptions as PublishGroupOptions } from "./publish.ts";
export type { Reference, ReferenceOptions } from "./reference.ts";
export type { FoundImage, RetagOptions } from "./retag.ts";
export type { Verification, VerifyOptions } from "./verify.ts";

/** The image that a text names: `docker://HOST/REPO:TAG@DIGEST`, `oci:DIR:REF`, `containers-storage:ID`. */
export async function parseReference(text: string, options?: ReferenceOptions): Promise<Reference> {
  return (await import("./reference.ts")).parseReference(text, options);
}

/** One platform of an image from a registry, a layout or an engine's storage, copied into a layout. */
export async function fetchImage(...values: Parameters<typeof Fetch.fetchImage>): Promise<Descriptor> {
  return (await import("./fetch.ts")).fetchImage(...values);
}

/** The digest that a reference has now. */
export async function resolveImage(...values: Parameters<typeof Fetch.resolve>): Promise<string> {
  return (await import("./fetch.ts")).resolve(...values);
}

/** What a name of a registry stands for, with its platforms. Undefined: the registry has nothing under it. */
export async function findImage(...values: Parameters<typeof Retag.findImage>): Promise<Retag.FoundImage | undefined> {
  return (await import("./retag.ts")).findImage(...values);
}

/** Makes more tags of a repository stand for an image that it has, all of them or none. Resolves to its digest. */
export async function retag(...values: Parameters<typeof Retag.retag>): Promise<string> {
  return (await import("./retag.ts")).retag(...values);
}

/** The canonical text of a reference, short names resolved. */
export async function resolveName(...values: Parameters<typeof Fetch.resolveName>): Promise<string> {
  return (await import("./fetch.ts")).resolveName(...values);
}

/** An index over images in layouts, written into a layout. */
export async function assemble(...values: Parameters<typeof Assemble.assemble>): Promise<Assemble.Assembled> {
  return (await import("./assemble.ts")).assemble(...values);
}

/** Proves that what a reference names is whole; findings are collected, not thrown. */
export async function verify(
  reference: string,
  options: VerifyOptions & Pick<Fetch.FetchOptions, "client"> = {},
): Promise<Verification> {
  const [{ withSource }, { verify: prove }] = await Promise.all([import("./fetch.ts"), import("./verify.ts")]);
  return withSource(reference, options, ({ source, name }) => prove(source, name, options));
}

/** Publishes a group of images behind the barrier: they become visible together or not at all. */
export async function publishGroup(
  ...values: Parameters<typeof Publish.publish>
): Promise<readonly Publish.Published[]> {
  return (await import("./publish.ts")).publish(...values);
}

/** What is attached to an image in a registry: signatures, SBOMs, provenance. Empty also for images elsewhere. */
export async function referrers(
  reference: string,
  options: Pick<Fetch.FetchOptions, "client"> & { readonly artifactType?: string } = {},
): Promise<readonly Descriptor[]> {
  const [fetch, list] = await Promise.all([import("./fetch.ts"), import("./referrers.ts")]);
  return fetch.withSource(reference, options, async ({ source, name, repository }) => {
    if (repository === undefined) return [];
    const { digest } = await source.readDocument(name);
    return list.listReferrers(repository, digest, options.artifactType);
  });
}

/** Adds what a publish has proven to a digests.json. */
export async function writeDigests(...values: Parameters<typeof Digests.writeDigests>): Promise<Digests.Digests> {
  return (await import("./digests.ts")).writeDigests(...values);
}

/** Writes files into a new tar archive, which is complete or absent. */
export async function writeTar(...values: Parameters<typeof Tar.writeTar>): Promise<void> {
  return (await import("./tarfile.ts")).writeTar(...values);
}

/** Copies an image of a layout into the storage of container engines, through skopeo. Resolves to its image ID. */
export async function storeImage(...values: Parameters<typeof Storage.storeImage>): Promise<string> {
  return (await import("./storage.ts")).storeImage(...values);
}

/** A client for several calls: it keeps what it has learned about hosts. End it with closeClient(). */
export async function openClient(options?: ClientOptions): Promise<import("./host.ts").Client> {
  return (await import("./host.ts")).createClient(options);
}

/** Closes the kept connections of a client. */
export async function closeClient(client: import("./host.ts").Client): Promise<void> {
  return (await import("./host.ts")).closeClient(client);
}

/** Blobs and manifests of one repository, for artifacts that are no images. */
export async function openArtifacts(...values: Parameters<typeof Artifact.openArtifacts>): Promise<Artifact.Artifacts> {
  return (await import("./artifact.ts")).openArtifacts(...values);
}

/** Requests with the certificates, proxies and limits of the client, to servers that are no registries. */
export async function openHttp(): Promise<typeof Http & Pick<typeof Tls, "loadTls">> {
  const loadTls: typeof Tls.loadTls = async (...values) => (await import("./tls.ts")).loadTls(...values);
  return { ...(await import("./http.ts")), loadTls };
}

/** Runs `work` while nobody else on this machine holds `path`, in this process or another. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  return (await import("./lock.ts")).withLock(path, work, options);
}
