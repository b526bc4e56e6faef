/** A container registry as a cache: one artifact for each key, in one repository for merged code and another for pull requests. Does not know who is trusted. */
import { createHash } from "node:crypto";
import { blobsOf, isBtError, type Blob, type CachedResult } from "../../core/index.ts";
import {
  closeClient,
  openArtifacts,
  openClient,
  type Artifacts,
  type ClientOptions,
  type Descriptor,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { isTrusted } from "./domain.ts";
import { readAll, recordLimit, type Shelf, type Shelves } from "./shelf.ts";

/** Who asks, and where. */
export interface RegistrySite {
  readonly host: string;
  /** Without host. */
  readonly repository: string;
  readonly client: ClientOptions;
}

/** The type of every artifact. */
export const artifactType = "application/vnd.bt.task.v1";
const recordType = "application/vnd.bt.task.result.v1+json";
const documentType = "application/vnd.bt.task.key.v1+json";
const logType = "text/plain";
const outputType = "application/octet-stream";
const signatureName = "dev.builderfile.signature";
/** Descriptors in one manifest: with more of them it would not fit into 4 MiB. */
const layerLimit = 10_000;

/** The shelves of these domains. */
export async function openRegistryShelves(site: RegistrySite, domains: readonly string[]): Promise<Shelves> {
  const client = await openClient({ backoffMs: 100, concurrency: 8, ...site.client });
  const shelves = domains.map(async (domain): Promise<Shelf> => {
    const repository = isTrusted(domain) ? site.repository : `${site.repository}-pr`;
    const artifacts = await openArtifacts(client, { host: site.host, repository });
    return openShelf(artifacts, { domain, place: `${site.host}/${repository}` });
  });
  return { shelves: await Promise.all(shelves), close: () => closeClient(client) };
}

function openShelf(artifacts: Artifacts, { domain, place }: Pick<Shelf, "domain" | "place">): Shelf {
  const tagOf = (key: string): string => `${domain.replaceAll("/", "-")}-${key}`;
  const readBlob: Shelf["readBlob"] = async ({ digest }, signal) => {
    const chunks = artifacts.openBlob(`sha256:${digest}`, signal)[Symbol.asyncIterator]();
    const first = await chunks.next().catch(orUndefined);
    return first && { [Symbol.asyncIterator]: () => resume(first, chunks) };
  };
  const writeBlob: Shelf["writeBlob"] = ({ digest, size }, open, signal) =>
    artifacts.sendBlob({ digest: `sha256:${digest}`, size, open }, signal);
  const hasBlob: Shelf["hasBlob"] = async ({ digest }, signal) =>
    (await artifacts.findBlobSize(`sha256:${digest}`, signal)) !== undefined;
  return {
    domain,
    place,
    readBlob,
    hasBlob,
    writeBlob,
    findEntry: async (key, signal) => {
      const manifest = (await artifacts.findManifest(tagOf(key), signal))?.manifest;
      if (manifest === undefined || manifest.artifactType !== artifactType) return undefined;
      const { config, annotations } = manifest;
      if (config.mediaType !== recordType || config.size > recordLimit) return undefined;
      const chunks = await readBlob({ digest: config.digest.replace("sha256:", ""), size: config.size }, signal);
      const record = chunks && (await readAll(chunks, config.size));
      if (record === undefined || digestOf(record) !== config.digest) return undefined;
      const signature = annotations?.[signatureName];
      return { record, ...(signature === undefined ? {} : { signature }) };
    },
    writeEntry: async (result, { record, signature }, signal) => {
      const config = { mediaType: recordType, digest: digestOf(record), size: record.length };
      const blob = { digest: config.digest.replace("sha256:", ""), size: config.size };
      if (!(await hasBlob(blob, signal))) await writeBlob(blob, () => chunksOf(record), signal);
      const [manifest, ...more] = renderManifests(result, { config, signature });
      // What does not fit is held by artifacts of their own, which are there before the one that is read.
      for (const [at, held] of more.entries())
        await artifacts.putManifest(`${tagOf(result.key)}-${at + 1}`, held, signal);
      if (manifest !== undefined) await artifacts.putManifest(tagOf(result.key), manifest, signal);
    },
  };
}

/** The manifest of a result, and those that hold the rest of its layers. */
function renderManifests(
  result: CachedResult,
  { config, signature }: { readonly config: Descriptor; readonly signature: string | undefined },
): readonly Manifest[] {
  const layers = blobsOf(result).map((blob) => describeLayer(blob, result));
  const annotations = {
    "org.opencontainers.image.title": result.task,
    ...(signature === undefined ? {} : { [signatureName]: signature }),
  };
  const count = Math.max(1, Math.ceil(layers.length / layerLimit));
  return Array.from({ length: count }, (_, at) => ({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    artifactType,
    config,
    layers: layers.slice(at * layerLimit, (at + 1) * layerLimit),
    annotations,
  }));
}

function describeLayer({ digest, size }: Blob, { document, log }: CachedResult): Descriptor {
  const mediaType = digest === document.digest ? documentType : digest === log?.digest ? logType : outputType;
  return { mediaType, digest: `sha256:${digest}`, size };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function orUndefined(error: unknown): undefined {
  if (isBtError(error) && error.code === "MANIFEST_BLOB_MISSING") return undefined;
  throw error;
}

async function* resume(
  first: IteratorResult<Uint8Array, unknown>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
