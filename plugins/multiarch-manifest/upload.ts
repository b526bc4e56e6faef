/** Blobs into a repository: skipped, mounted, sent whole or in chunks, continued after a cut. Never holds a blob in memory. */
import { createHash, type Hash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { isBtError } from "../../core/index.ts";
import { ask, describeRefusal, locationOf } from "./client.ts";
import { blobMissing, blobSize, blobCorrupt } from "./errors.ts";
import type { Repository } from "./host.ts";
import { dropBody, type HttpAnswer } from "./http.ts";
import { blobPath, placeOf, type Layout } from "./layout.ts";
import { findRemoteBlobSize, pushScope } from "./registry.ts";
import { blobRefused, blobUploadFailed } from "./registry-errors.ts";
import { maxTries, pause } from "./retry.ts";
import { closeUpload, mountBlob, startUpload } from "./upload-session.ts";

/** A blob on disk. */
export interface BlobFile {
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly path: string;
  /** For messages. */
  readonly place: string;
  /** Brings the file, called only when the registry does not have the blob. Absent: it is there. */
  readonly fetch?: () => Promise<void>;
}

/** How to send. */
export interface UploadOptions {
  /** Names of repositories on the same host that may hold the blob. Default: none. */
  readonly mountFrom?: readonly string[];
  /** Size of a chunk in bytes; the registry may ask for more. Default: 16 MiB. */
  readonly chunkBytes?: number;
  /** Blobs up to so many bytes are sent in one request. Default: 5 MiB. */
  readonly wholeBytes?: number;
}

/** Bytes that are read, hashed and sent at a time. */
const partBytes = 1 << 20;

/** What was necessary. */
export type UploadStatus = "present" | "mounted" | "uploaded";

interface Upload {
  readonly repository: Repository;
  readonly blob: BlobFile;
  readonly chunkBytes: number;
  /** Always from the latest answer: registries keep their state in it. */
  location: string;
  /** Bytes that the registry has. */
  offset: number;
  /** Hash of the bytes up to `hashed`, which never goes back. */
  readonly hash: Hash;
  hashed: number;
}

/**
 * The blob of a layout, ready to be sent.
 * @throws BtError MANIFEST_BLOB_MISSING, MANIFEST_BLOB_SIZE
 */
export async function openBlobFile(
  layout: Layout,
  descriptor: { readonly digest: string; readonly size: number },
): Promise<BlobFile> {
  const path = blobPath(layout, descriptor.digest);
  const found = (await stat(path).catch(() => undefined))?.size;
  if (found === undefined) throw blobMissing(placeOf(layout), descriptor.digest);
  if (found !== descriptor.size)
    throw blobSize(placeOf(layout), descriptor.digest, { expected: descriptor.size, found });
  return { ...descriptor, path, place: placeOf(layout) };
}

/**
 * Makes sure that a repository has a blob. The file is hashed while it is sent.
 * @throws BtError REGISTRY_UPLOAD_FAILED, REGISTRY_PUSH_DENIED, REGISTRY_DENIED, MANIFEST_BLOB_CORRUPT for a file that changed
 */
export async function uploadBlob(
  repository: Repository,
  blob: BlobFile,
  options: UploadOptions = {},
): Promise<UploadStatus> {
  if ((await findRemoteBlobSize(repository, blob.digest)) !== undefined) return "present";
  let opened: HttpAnswer | undefined;
  for (const other of options.mountFrom ?? []) {
    opened = await mountBlob(repository, blob.digest, other);
    if (opened?.status === 201) return "mounted";
    // A 202 is a normal upload; the next mount would open another one.
    if (opened !== undefined) break;
  }
  await blob.fetch?.();
  const whole = options.wholeBytes ?? 5 << 20;
  for (let tries = 1; ; tries++) {
    opened ??= await startUpload(repository);
    const minimum = Number(opened.headers["oci-chunk-min-length"] ?? 0);
    const chunkBytes = blob.size <= whole ? Math.max(1, blob.size) : Math.max(options.chunkBytes ?? 16 << 20, minimum);
    const upload: Upload = {
      repository,
      blob,
      chunkBytes,
      location: locationOf(opened),
      offset: 0,
      hash: createHash("sha256"),
      hashed: 0,
    };
    opened = undefined;
    try {
      await sendBlob(upload, blob.size <= whole ? "whole" : "chunks");
      return "uploaded";
    } catch (error) {
      if (!(error instanceof Restart)) {
        await giveUp(upload);
        throw error;
      }
      if (tries >= (error.reason === "digest" ? 2 : maxTries)) {
        await giveUp(upload);
        throw isBtError(error.cause) ? error.cause : blobUploadFailed(repository.host, blob.digest, error.cause);
      }
      await pause(repository.client.options, tries);
    }
  }
}

/** Ends one try; the next starts from the first byte. */
class Restart extends Error {
  readonly reason: "lost" | "digest";

  constructor(reason: "lost" | "digest", cause: unknown) {
    super("start again", { cause });
    this.reason = reason;
  }
}

async function sendBlob(upload: Upload, manner: "whole" | "chunks"): Promise<void> {
  if (manner === "whole") return finish(upload, [upload.offset, upload.blob.size]);
  for (let failures = 0; upload.offset < upload.blob.size;) {
    const end = Math.min(upload.offset + upload.chunkBytes, upload.blob.size);
    try {
      await sendChunk(upload, end);
      failures = 0;
    } catch (error) {
      if (error instanceof Restart || isLocal(error)) throw error;
      if (++failures >= maxTries) throw new Restart("lost", error);
      await pause(upload.repository.client.options, failures);
      await findOffset(upload, error);
    }
  }
  await finish(upload, [upload.blob.size, upload.blob.size]);
}

async function sendChunk(upload: Upload, end: number): Promise<void> {
  const { repository, offset } = upload;
  const answer = await ask(repository, {
    method: "PATCH",
    path: upload.location,
    scopes: [pushScope(repository)],
    headers: { "content-type": "application/octet-stream", "content-range": `${offset}-${end - 1}` },
    body: { size: end - offset, open: () => readPart(upload, [offset, end]) },
    accept: [202, 201, 204, 404, 413, 416, 507],
    retry: "never",
  });
  await checkRoom(upload, answer);
  dropBody(answer);
  if (answer.status === 404) throw new Restart("lost", new Error("the registry forgot the upload"));
  if (answer.status === 416) throw new Error("the registry expects other bytes");
  upload.location = locationOf(answer);
  upload.offset = end;
}

/** Asks the registry how much it has. `0-0` may be one byte or none, so that starts again. */
async function findOffset(upload: Upload, cause: unknown): Promise<void> {
  const { repository } = upload;
  const answer = await ask(repository, {
    method: "GET",
    path: upload.location,
    scopes: [pushScope(repository)],
    accept: [204, 400, 404],
  });
  dropBody(answer);
  const last = Number(/^(?:bytes=)?0-(\d+)$/.exec(answer.headers["range"] ?? "")?.[1] ?? 0);
  if (answer.status !== 204 || last === 0 || last >= upload.blob.size) throw new Restart("lost", cause);
  upload.location = locationOf(answer);
  upload.offset = last + 1;
  // Bytes that were sent but not hashed before the cut are hashed now.
  if (upload.hashed < upload.offset)
    for await (const chunk of readPart(upload, [upload.hashed, upload.offset])) void chunk;
}

async function finish(upload: Upload, part: readonly [start: number, end: number]): Promise<void> {
  const { repository, blob } = upload;
  const [from, to] = part;
  if (from === to) checkHash(upload);
  const path = `${upload.location}${upload.location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`;
  const question = {
    method: "PUT",
    path,
    scopes: [pushScope(repository)],
    headers: { "content-type": "application/octet-stream" },
    ...(from < to && { body: { size: to - from, open: () => readPart(upload, part) } }),
    accept: [201, 200, 204, 400, 404, 413, 416, 507],
    retry: "never" as const,
  };
  const answer = await ask(repository, question).catch((error: unknown) => {
    if (isLocal(error)) throw error;
    throw new Restart("lost", error);
  });
  await checkRoom(upload, answer);
  dropBody(answer);
  if (answer.status === 400) throw new Restart("digest", new Error(`the registry refuses the bytes as ${blob.digest}`));
  if (answer.status >= 300) throw new Restart("lost", new Error("the registry forgot the upload"));
}

/** Part of the file, hashed as far as it was not before. The last byte of the file proves the hash before it is sent. Every part is in the same buffer. */
async function* readPart(upload: Upload, part: readonly [start: number, end: number]): AsyncGenerator<Uint8Array> {
  const { blob } = upload;
  let [position, end] = part;
  if (position === end) return;
  const buffer = Buffer.allocUnsafe(Math.min(partBytes, end - position));
  const file = await open(blob.path);
  try {
    while (position < end) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - position), position);
      if (bytesRead === 0) break;
      const bytes = buffer.subarray(0, bytesRead);
      const fresh = bytes.subarray(Math.min(Math.max(0, upload.hashed - position), bytes.length));
      if (fresh.length > 0 && upload.hashed === position + bytes.length - fresh.length) {
        upload.hash.update(fresh);
        upload.hashed += fresh.length;
      }
      position += bytes.length;
      if (upload.hashed === blob.size) checkHash(upload);
      yield bytes;
    }
  } finally {
    await file.close();
  }
  if (position !== end) throw blobSize(blob.place, blob.digest, { expected: end, found: position });
}

/** Sending again does not make room. */
async function checkRoom({ repository, blob }: Upload, answer: HttpAnswer): Promise<void> {
  if (answer.status !== 413 && answer.status !== 507) return;
  const { answer: said } = await describeRefusal(repository, { scopes: [] }, answer);
  throw blobRefused(repository.host, blob, { status: answer.status, answer: said });
}

function checkHash(upload: Upload): void {
  const { blob } = upload;
  const found = `sha256:${upload.hash.copy().digest("hex")}`;
  if (found !== blob.digest) throw blobCorrupt(blob.place, blob.digest, found);
}

/** Failures that sending again cannot mend: our own file, the login, an abort. */
function isLocal(error: unknown): boolean {
  if (error instanceof Error && error.name === "AbortError") return true;
  return isBtError(error) && !["REGISTRY_UNREACHABLE", "REGISTRY_FAILED"].includes(error.code);
}

async function giveUp(upload: Upload): Promise<void> {
  await closeUpload(upload.repository, upload.location);
}
