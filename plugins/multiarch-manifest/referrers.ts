/** What is attached to an image: signatures, SBOMs, provenance. Uses the referrers endpoint, or the tag schema where there is none. */
import { setTimeout as wait } from "node:timers/promises";
import { ask } from "./client.ts";
import { digestOf, hexOf } from "./digest.ts";
import { parseIndex } from "./document.ts";
import { referrerLost } from "./registry-errors.ts";
import type { Repository } from "./host.ts";
import { dropBody, readBytes } from "./http.ts";
import { isIndexType, mediaTypes, type Descriptor, type Index, type Manifest } from "./oci.ts";
import { findManifest, imageOf, pullScope, putManifest } from "./registry.ts";
import { renderIndex } from "./assemble.ts";

/** What to attach. The blobs of `layers` and `config` are in the repository already. */
export interface Attachment {
  /** `application/spdx+json`. */
  readonly artifactType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const maxTries = 5;

/** Whether a tag is a list of referrers and no tag of an image. */
export function isReferrersTag(tag: string): boolean {
  return /^sha256-[0-9a-f]{64}$/.test(tag);
}

/** The tag under which registries without the endpoint keep the referrers of `digest`. */
export function referrersTag(digest: string): string {
  return `sha256-${hexOf(digest)}`;
}

/** A manifest that is attached to another one, ready to be sent. */
export interface Referrer {
  readonly subject: string;
  /** As lists show it. */
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** The manifest that attaches something to `subject`. Pure: the same gives the same digest. */
export function createReferrer(subject: Descriptor, attachment: Attachment): Referrer {
  const { artifactType, config, layers, annotations } = attachment;
  const { mediaType, digest, size } = subject;
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    artifactType,
    config,
    layers,
    subject: { mediaType, digest, size },
    ...(annotations && { annotations }),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const descriptor: Descriptor = {
    mediaType: mediaTypes.oci.manifest,
    digest: digestOf(bytes),
    size: bytes.length,
    ...(annotations && { annotations }),
    artifactType,
  };
  return { subject: digest, descriptor, bytes };
}

/** Sends a referrer by digest. True: the registry keeps no list of them, so a tag must (listReferrer). */
export async function sendReferrer(repository: Repository, { descriptor, bytes }: Referrer): Promise<boolean> {
  const content = { bytes, mediaType: descriptor.mediaType };
  return (await putManifest(repository, descriptor.digest, content)).subject === undefined;
}

/**
 * Adds a referrer to the tag that lists those of its subject.
 * @throws BtError REGISTRY_REFERRER_LOST when other writers remove it again five times
 */
export async function listReferrer(repository: Repository, { subject, descriptor }: Referrer): Promise<void> {
  await addToTag(repository, subject, descriptor);
}

/**
 * Attaches a manifest to the image `subject`. Resolves to its descriptor, as lists show it.
 * @throws BtError as listReferrer()
 */
export async function attach(repository: Repository, subject: Descriptor, attachment: Attachment): Promise<Descriptor> {
  const referrer = createReferrer(subject, attachment);
  if (await sendReferrer(repository, referrer)) await listReferrer(repository, referrer);
  return referrer.descriptor;
}

/** What is attached to `digest`, optionally of one artifact type. Empty: nothing, or the registry knows no referrers. */
export async function listReferrers(
  repository: Repository,
  digest: string,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  let path: string | undefined = `/v2/${repository.name}/referrers/${digest}${query}`;
  const found: Descriptor[] = [];
  while (path !== undefined) {
    const answer = await ask(repository, {
      method: "GET",
      path,
      scopes: [pullScope(repository)],
      accept: [200, 404, 400, 405],
    });
    const type = answer.headers["content-type"]?.split(";")[0] ?? "";
    if (answer.status !== 200 || !isIndexType(type)) {
      dropBody(answer);
      found.push(...(await readTag(repository, digest)).manifests);
      break;
    }
    found.push(
      ...parseIndex(await readBytes(answer, 16 << 20), `referrers of ${imageOf(repository, digest)}`, type).manifests,
    );
    const next: string | undefined = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers["link"] ?? "")?.[1];
    path = next === undefined ? undefined : new URL(next, answer.url).href;
  }
  // Filtering again does no harm where the registry has filtered already.
  return artifactType === undefined ? found : found.filter((one) => one.artifactType === artifactType);
}

/** Read, add, put, read back. Registries cannot compare and swap: an entry that another writer has overwritten is put again. */
async function addToTag(repository: Repository, subject: string, descriptor: Descriptor): Promise<void> {
  const { backoffMs = 500 } = repository.client.options;
  for (let tries = 0; tries < maxTries; tries++) {
    const before = await readTag(repository, subject);
    if (!before.manifests.some((one) => one.digest === descriptor.digest)) {
      const bytes = renderIndex([...before.manifests, descriptor], "oci", before.annotations);
      await putManifest(repository, referrersTag(subject), { bytes, mediaType: mediaTypes.oci.index });
    }
    // A writer that read before this put may still overwrite it, so the look back comes a moment later.
    await wait(backoffMs * (0.1 + Math.random() * 0.4));
    if ((await readTag(repository, subject)).manifests.some((one) => one.digest === descriptor.digest)) return;
  }
  throw referrerLost(imageOf(repository, subject), descriptor.digest);
}

async function readTag(repository: Repository, digest: string): Promise<Index> {
  const stored = await findManifest(repository, referrersTag(digest));
  if (stored?.document.kind === "index") return stored.document.index;
  return { schemaVersion: 2, manifests: [] };
}
