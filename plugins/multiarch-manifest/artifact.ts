/** Artifacts of other plugins in a repository: blobs that come and go as streams, and manifests under tags. Does not know what they hold. */
import { ask, describeRefusal, locationOf } from "./client.ts";
import { digestOf } from "./digest.ts";
import { openRepository, type Client, type Repository } from "./host.ts";
import { dropBody } from "./http.ts";
import { mediaTypes, type Manifest } from "./oci.ts";
import { findManifest, findRemoteBlobSize, openRemoteBlob, pushScope, putManifest } from "./registry.ts";
import { pushDenied } from "./registry-errors.ts";
import { closeUpload, startUpload } from "./upload-session.ts";

/** Content with its name; the digest with `sha256:`. */
export interface StreamedBlob {
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Called again for every try. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

/** One repository. Every call ends with its signal. */
export interface Artifacts {
  /** Undefined: there is no such tag, or it is no manifest. @throws BtError as the client does */
  readonly findManifest: (
    tag: string,
    signal: AbortSignal,
  ) => Promise<{ readonly digest: string; readonly manifest: Manifest } | undefined>;
  /** Moves the tag, whatever it was. Its blobs must be there. Resolves to the digest. */
  readonly putManifest: (tag: string, manifest: Manifest, signal: AbortSignal) => Promise<string>;
  /** Bytes, or undefined: the repository does not have it. */
  readonly findBlobSize: (digest: string, signal: AbortSignal) => Promise<number | undefined>;
  /** Its hash is not checked. Reading rejects with MANIFEST_BLOB_MISSING when it is not there. */
  readonly openBlob: (digest: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
  /** In one request; the registry checks the hash. @throws BtError REGISTRY_PUSH_DENIED and others of the client */
  readonly sendBlob: (blob: StreamedBlob, signal: AbortSignal) => Promise<void>;
}

/** The artifacts of one repository, after registries.conf. */
export async function openArtifacts(
  client: Client,
  place: { readonly host: string; readonly repository: string },
): Promise<Artifacts> {
  const found = await openRepository(client, place);
  const within = (signal: AbortSignal): Repository => ({
    ...found,
    client: { ...client, options: { ...client.options, signal } },
  });
  return {
    findManifest: async (tag, signal) => {
      const stored = await findManifest(within(signal), tag);
      if (stored?.document.kind !== "manifest") return undefined;
      return { digest: stored.digest, manifest: stored.document.manifest };
    },
    putManifest: async (tag, manifest, signal) => {
      const bytes = Buffer.from(JSON.stringify(manifest));
      await putManifest(within(signal), tag, { bytes, mediaType: manifest.mediaType ?? mediaTypes.oci.manifest });
      return digestOf(bytes);
    },
    findBlobSize: (digest, signal) => findRemoteBlobSize(within(signal), digest),
    openBlob: (digest, signal) => openRemoteBlob(within(signal), digest),
    sendBlob: (blob, signal) => sendBlob(within(signal), blob),
  };
}

async function sendBlob(repository: Repository, blob: StreamedBlob): Promise<void> {
  const scopes = [pushScope(repository)];
  const location = locationOf(await startUpload(repository));
  try {
    const answer = await ask(repository, {
      method: "PUT",
      path: `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`,
      scopes,
      headers: { "content-type": "application/octet-stream" },
      body: { size: blob.size, open: blob.open },
      accept: [201, 200, 204, 405],
      retry: "never",
    });
    if (answer.status === 405) throw pushDenied(await describeRefusal(repository, { scopes }, answer), 405);
    dropBody(answer);
  } catch (error) {
    await closeUpload(repository, location);
    throw error; // As it is: it may come from whoever gives the bytes.
  }
}
