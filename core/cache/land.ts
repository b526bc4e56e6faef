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

/** Writes bytes to a new file, and proves them. @throws WrongBlob, errors of the source and of the file system */
export async function landBlob(
  blob: Blob,
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { to, mode, sync = false, signal }: Landing,
): Promise<void> {
  const file = await fs.promises.open(to, "wx", mode);
  const digester = await createDigester(blob.size);
  const rooms = Array.from({ length: blob.size > roomSize ? roomCount : 1 }, (): Room => {
    return { bytes: digester.createRoom(Math.min(roomSize, blob.size)), busy: Promise.resolve() };
  });
  let size = 0;
  try {
    for await (const { room, length } of gather(source, { blob, rooms })) {
      signal?.throwIfAborted();
      const piece = room.bytes.subarray(0, length);
      const work = Promise.all([digester.update(piece), writeSparse(file, piece, size)]);
      work.catch(() => {}); // Whoever waits for it is told.
      room.busy = work;
      size += length;
    }
    for (const { busy } of rooms) await busy;
    if (size !== blob.size || (await digester.digest()) !== blob.digest) throw wrongBlob(blob);
    await seal(file, size, { mode, sync });
  } finally {
    await Promise.allSettled(rooms.map(({ busy }) => busy)); // They still use the file.
    digester.close();
    await file.close();
  }
}

/** Memory that is filled, then digested and written while others are filled. */
interface Room {
  readonly bytes: Uint8Array;
  busy: Promise<unknown>;
}

/** Bytes that are digested and written at once. */
const roomSize = 1 << 18;
const roomCount = 4;

/** The bytes in large pieces, in memory of ours: whoever gave them may use theirs again. */
async function* gather(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { blob, rooms }: { readonly blob: Blob; readonly rooms: readonly Room[] },
): AsyncGenerator<{ readonly room: Room; readonly length: number }> {
  let [size, filled, next] = [0, 0, 0];
  for await (const chunk of source) {
    size += chunk.length;
    if (size > blob.size) throw wrongBlob(blob); // It may never end.
    for (let at = 0; at < chunk.length;) {
      const room = rooms[next]!; // It goes round.
      if (filled === 0) await room.busy;
      const part = chunk.subarray(at, at + room.bytes.length - filled);
      room.bytes.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < room.bytes.length) continue;
      yield { room, length: filled };
      [filled, next] = [0, (next + 1) % rooms.length];
    }
  }
  if (filled > 0) yield { room: rooms[next]!, length: filled };
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
