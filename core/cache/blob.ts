/** Bytes that are what they are called: digested, read and copied from file to file, and proven. Does not know where blobs are kept. */
import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import type { Blob } from "../cache-store.ts";
import { landBlob } from "./land.ts";
import { wrongBlob } from "./wrong.ts";

/** What is read at once of a file: little at first, as most are small, then ever more. Bytes. */
const firstChunk = 1 << 16;
const largestChunk = 1 << 20;

/** Digest and size of bytes in memory. */
export function blobOf(bytes: Buffer): Blob {
  return { digest: hash("sha256", bytes, "hex"), size: bytes.length };
}

/** Where a copy goes, and as what. */
export interface CopyTarget {
  /** A path that nothing is at. */
  readonly to: string;
  /** Permission bits. */
  readonly mode: number;
  readonly signal: AbortSignal;
}

/** Copies a file to a new one. A clone costs no space where the file system can make one; it is proven as well. @throws WrongBlob */
export async function copyBlob(blob: Blob, from: string, { to, mode, signal }: CopyTarget): Promise<void> {
  if (!tryClone(from, to)) return await landBlob(blob, readChunks(from), { to, mode, signal });
  if ((await digestFile(to, signal)) !== blob.digest) throw wrongBlob(blob);
  fs.chmodSync(to, mode);
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

/** A file's bytes in chunks, which whoever gets them may keep. One is read ahead. */
export async function* readChunks(file: string): AsyncGenerator<Uint8Array> {
  const handle = await fs.promises.open(file, "r");
  const readNext = (size: number): Promise<Uint8Array> => {
    const reading = handle.read(Buffer.allocUnsafe(size), 0, size, null);
    const chunk = reading.then(({ buffer, bytesRead }) => buffer.subarray(0, bytesRead));
    chunk.catch(() => {}); // Whoever waits for it is told.
    return chunk;
  };
  try {
    let next = readNext(firstChunk);
    for (let size = firstChunk; ; size = Math.min(size * 2, largestChunk)) {
      const chunk = await next;
      if (chunk.length === 0) return;
      next = readNext(size);
      yield chunk;
    }
  } finally {
    await handle.close(); // After what is still read.
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
