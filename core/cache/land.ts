/** Bytes from anywhere to a new file, proven on the way. Holes stay holes; two pieces at most are in memory. Does not know where they come from. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { promisify } from "node:util";
import type { Blob } from "../cache-store.ts";
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

/** Writes bytes to a new file, and proves them. @throws WrongBlob, errors of the source and of the file system */
export async function landBlob(
  blob: Blob,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { to, mode, sync = false, signal }: Landing,
): Promise<void> {
  const digest = createHash("sha256");
  const descriptor = fs.openSync(to, "wx", mode);
  let writing = Promise.resolve();
  let size = 0;
  try {
    for await (const piece of gather(source, blob)) {
      signal?.throwIfAborted();
      digest.update(piece);
      await writing;
      writing = writeSparse(descriptor, piece, size);
      writing.catch(() => {}); // Whoever waits for it is told.
      size += piece.length;
    }
    await writing;
    if (size !== blob.size || digest.digest("hex") !== blob.digest) throw wrongBlob(blob);
    await seal(descriptor, size, { mode, sync });
  } finally {
    await writing.catch(() => {}); // It still uses the file.
    fs.closeSync(descriptor);
  }
}

/** Bytes that are written at once, while as many are gathered. */
const pieceSize = 1 << 18;

/** The bytes in large pieces, which are ours: whoever gave them may use the memory again. A piece holds until the next but one is asked for. */
async function* gather(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  blob: Blob,
): AsyncGenerator<Uint8Array> {
  const room = (): Buffer => Buffer.allocUnsafe(Math.min(pieceSize, blob.size));
  let [piece, other] = [room(), blob.size > pieceSize ? room() : Buffer.alloc(0)];
  let [size, filled] = [0, 0];
  for await (const chunk of source) {
    size += chunk.length;
    if (size > blob.size) throw wrongBlob(blob); // It may never end.
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + piece.length - filled);
      piece.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < piece.length) continue;
      yield piece;
      [piece, other, filled] = [other, piece, 0];
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

const writeBytes = promisify(fs.write);
const syncFile = promisify(fs.fsync);

/** What a file is besides its bytes. */
async function seal(
  descriptor: number,
  size: number,
  { mode, sync }: Required<Pick<Landing, "mode" | "sync">>,
): Promise<void> {
  const stat = fs.fstatSync(descriptor);
  if (stat.size !== size) fs.ftruncateSync(descriptor, size); // It ends with a hole.
  if ((stat.mode & 0o7777) !== mode) fs.fchmodSync(descriptor, mode);
  if (sync) await syncFile(descriptor);
}

/** What a file system can leave out of a file. Bytes. */
const holeSize = 4096;
const zeros = Buffer.alloc(holeSize);

/** Blocks of nothing but zeros are left out. */
async function writeSparse(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    let end = at;
    while (end < bytes.length && !isHole(bytes, end)) end = Math.min(end + holeSize, bytes.length);
    if (end > at) await writeWhole(descriptor, bytes.subarray(at, end), position + at);
    at = end === at ? at + holeSize : end;
  }
}

function isHole(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && at + holeSize <= bytes.length && zeros.equals(bytes.subarray(at, at + holeSize));
}

/** A short write is continued. */
async function writeWhole(descriptor: number, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await writeBytes(descriptor, bytes, done, bytes.length - done, position + done)).bytesWritten;
}
