/** Bytes from anywhere to a new file, proven on the way. Holes stay holes; a few pieces are in memory. Does not know where they come from. */
import * as fs from "node:fs";
import type { Blob } from "../cache-store.ts";
import { createDigester } from "./digester.ts";
import { wrongBlob } from "./wrong.ts";

/** A file that is to be made. */
export interface Wanted {
  readonly blob: Blob;
  /** Absolute. Its folder is there, itself it is not. */
  readonly to: string;
  /** Permission bits. */
  readonly mode: number;
}

/** Where bytes land, and as what. */
export interface Landing {
  /** A path that nothing is at. */
  readonly to: string;
  /** Permission bits. */
  readonly mode: number;
  /** Waits for the disk. */
  readonly sync?: boolean;
  readonly signal?: AbortSignal;
}

/** Writes bytes to a new file, and proves them; the memory of the chunks is gone then. @throws WrongBlob, errors of the source and of the file system */
export async function landBlob(
  blob: Blob,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { to, mode, sync = false, signal }: Landing,
): Promise<void> {
  const file = await fs.promises.open(to, "wx", mode);
  const digester = await createDigester(blob.size);
  const works: Promise<void>[] = []; // Of the pieces that are not written yet, the oldest first.
  let size = 0;
  try {
    for await (const piece of inPieces(source)) {
      signal?.throwIfAborted();
      const at = size;
      size += piece.length;
      if (size > blob.size) throw wrongBlob(blob); // It may never end.
      const work = digester.update(piece).then((bytes) => writeSparse(file, bytes, at));
      work.catch(() => {}); // Whoever waits for it is told.
      works.push(work);
      if (works.length === digester.depth) await works.shift();
    }
    await Promise.all(works);
    if (size !== blob.size || (await digester.digest()) !== blob.digest) throw wrongBlob(blob);
    await seal(file, size, { mode, sync });
  } finally {
    await Promise.allSettled(works); // They still use the file.
    digester.close();
    await file.close();
  }
}

/** What is handed on at once, at least. Bytes. */
const pieceSize = 1 << 18;

/** Small chunks become larger ones. */
async function* inPieces(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < pieceSize) continue;
    yield chunks.length === 1 ? chunk : Buffer.concat(chunks, size);
    [chunks, size] = [[], 0];
  }
  if (size > 0) yield Buffer.concat(chunks, size);
}

/** What a file is besides its bytes. */
async function seal(
  file: fs.promises.FileHandle,
  size: number,
  { mode, sync }: Required<Pick<Landing, "mode" | "sync">>,
): Promise<void> {
  const stat = await file.stat();
  if (stat.size !== size) await file.truncate(size); // It ends with a hole.
  if ((stat.mode & 0o7777) !== mode) await file.chmod(mode);
  if (sync) await file.sync();
}

/** What a file system can leave out of a file. Bytes. */
const holeSize = 4096;
const zeros = Buffer.alloc(holeSize);

/** Blocks of nothing but zeros are left out. */
async function writeSparse(file: fs.promises.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && !isHole(bytes, end)) end = Math.min(end + holeSize, bytes.length);
    if (end > at) await writeWhole(file, bytes.subarray(at, end), position + at);
    at = end === at ? at + holeSize : end;
  }
}

function isHole(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && at + holeSize <= bytes.length && zeros.equals(bytes.subarray(at, at + holeSize));
}

/** A short write is continued. */
async function writeWhole(file: fs.promises.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
