/** Bytes that are what they are called: digested, read and copied from file to file, and proven. Does not know where blobs are kept. */
import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import type { Blob } from "../cache-store.ts";
import { writeAll } from "../files.ts";
import { landBlob } from "./land.ts";
import { wrongBlob } from "./wrong.ts";

/** Up to this size a file is read at once. Bytes. */
const small = 1 << 18;
/** What is read at once of a larger one. Bytes. */
const chunkSize = 1 << 18;

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

/** Copies a file whose content is known to a new file. Small ones are there when it returns: nothing is waited for a thousand times. */
export type Copier = (blob: Blob, from: string, target: CopyTarget) => Promise<void> | undefined;

/** A copier for files below one folder. It throws and rejects with WrongBlob and errors of the file system; the new file may be there then. */
export function createCopier(): Copier {
  const room = Buffer.allocUnsafe(small + 1);
  const exactModes = new Set<number>();
  return (blob, from, target) => {
    if (blob.size > small) return copyLarge(blob, from, target);
    writeSmall(readSmall(blob, from, room), target, exactModes);
    return undefined;
  };
}

/** The proven bytes, in the room that is given. */
function readSmall(blob: Blob, from: string, room: Buffer): Buffer {
  let size = 0;
  const descriptor = fs.openSync(from, "r");
  try {
    // One byte more than there should be is asked for: so a longer file shows.
    for (let more = 1; more > 0 && size < blob.size; size += more)
      more = fs.readSync(descriptor, room, size, blob.size + 1 - size, null);
  } finally {
    fs.closeSync(descriptor);
  }
  const bytes = room.subarray(0, size);
  if (size !== blob.size || hash("sha256", bytes, "hex") !== blob.digest) throw wrongBlob(blob);
  return bytes;
}

/** `exactModes` are those that new files got as they were asked for: no mask and no access list of the folder takes bits away. */
function writeSmall(bytes: Buffer, { to, mode }: CopyTarget, exactModes: Set<number>): void {
  const descriptor = fs.openSync(to, "wx", mode);
  try {
    if (bytes.length > 0) writeAll(descriptor, bytes);
    if (exactModes.has(mode)) return;
    if ((fs.fstatSync(descriptor).mode & 0o7777) === mode) exactModes.add(mode);
    else fs.fchmodSync(descriptor, mode);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** A clone costs no space where the file system can make one; it is proven as well. */
async function copyLarge(blob: Blob, from: string, { to, mode, signal }: CopyTarget): Promise<void> {
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
