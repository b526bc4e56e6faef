/** Bytes on their way from one file to another: counted, digested, and proven to be what they are called. Holes stay holes. Does not know where blobs are kept. */
import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import type { Blob } from "../cache-store.ts";
import { writeAll } from "../files.ts";

/** Bytes that are not those of the blob they were given as. */
export interface WrongBlob extends Error {
  readonly blob: Blob;
}

function wrongBlob(blob: Blob): WrongBlob {
  return Object.assign(new Error(`bytes that are not ${blob.digest}`), { blob });
}

export function isWrongBlob(error: unknown): error is WrongBlob {
  return error instanceof Error && "blob" in error;
}

/** Up to this size a file is read at once. Bytes. */
const small = 1 << 18;
const chunkSize = 1 << 18;
/** What a file system can leave out of a file. Bytes. */
const holeSize = 4096;
const zeros = Buffer.alloc(holeSize);

/** Digest and size of bytes in memory. */
export function blobOf(bytes: Buffer): Blob {
  return { digest: hash("sha256", bytes, "hex"), size: bytes.length };
}

/** What is done with each blob that lands. */
export interface Landing {
  /** Permission bits. */
  readonly mode: number;
  /** Waits for the disk. */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Copies a file whose content is known to a new file. A clone costs no space where the file system can make one; it is proven as well.
 * @throws WrongBlob, errors of the file system; `to` may be there then
 */
export async function copyBlob(blob: Blob, from: string, to: string, landing: Landing): Promise<void> {
  if (blob.size <= small && landing.sync !== true) return copySmall(blob, from, to, landing.mode);
  if (blob.size > small && tryClone(from, to)) {
    if ((await digestFile(to, landing.signal)) !== blob.digest) throw wrongBlob(blob);
    fs.chmodSync(to, landing.mode);
    return;
  }
  await landBlob(blob, readChunks(from), to, landing);
}

function copySmall(blob: Blob, from: string, to: string, mode: number): void {
  const bytes = fs.readFileSync(from);
  if (bytes.length !== blob.size || hash("sha256", bytes, "hex") !== blob.digest) throw wrongBlob(blob);
  const descriptor = fs.openSync(to, "wx", mode);
  try {
    if (bytes.length > 0) writeAll(descriptor, bytes);
    fs.fchmodSync(descriptor, mode);
  } finally {
    fs.closeSync(descriptor);
  }
}

let canClone = true;

function tryClone(from: string, to: string): boolean {
  if (!canClone) return false;
  try {
    fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE_FORCE | fs.constants.COPYFILE_EXCL);
    return true;
  } catch {
    canClone = false; // Most file systems cannot; what else is wrong shows when it is copied.
    fs.rmSync(to, { force: true });
    return false;
  }
}

/** Writes bytes from anywhere to a new file, and proves them. @throws WrongBlob, errors of the source and of the file system */
export async function landBlob(
  blob: Blob,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  to: string,
  { mode, sync, signal }: Landing,
): Promise<void> {
  const digest = createHash("sha256");
  let size = 0;
  const handle = await fs.promises.open(to, "wx", mode);
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      digest.update(chunk);
      if (size + chunk.length > blob.size) throw wrongBlob(blob); // It may never end.
      await writeSparse(handle, chunk, size);
      size += chunk.length;
    }
    if (size !== blob.size || digest.digest("hex") !== blob.digest) throw wrongBlob(blob);
    await handle.truncate(size);
    await handle.chmod(mode);
    if (sync === true) await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Blocks of nothing but zeros are left out. */
async function writeSparse(handle: fs.promises.FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    let end = at;
    while (end < chunk.length && !isHole(chunk, end)) end = Math.min(end + holeSize, chunk.length);
    if (end > at) await writeWhole(handle, chunk.subarray(at, end), position + at);
    at = end === at ? at + holeSize : end;
  }
}

function isHole(chunk: Uint8Array, at: number): boolean {
  return chunk[at] === 0 && at + holeSize <= chunk.length && zeros.equals(chunk.subarray(at, at + holeSize));
}

async function writeWhole(handle: fs.promises.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

/** A file's bytes in chunks, which whoever gets them may keep. */
export async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  const handle = await fs.promises.open(file, "r");
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(chunkSize);
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

/** Hex SHA-256 of a file. */
export async function digestFile(file: string, signal?: AbortSignal): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of readChunks(file)) {
    signal?.throwIfAborted();
    digest.update(chunk);
  }
  return digest.digest("hex");
}

/** The same bytes; ends with an error when they were not those of the blob. @throws WrongBlob */
export async function* provenBytes(blob: Blob, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    digest.update(chunk);
    size += chunk.length;
    if (size > blob.size) throw wrongBlob(blob);
    yield chunk;
  }
  if (size !== blob.size || digest.digest("hex") !== blob.digest) throw wrongBlob(blob);
}
