/** The small files of a result as one blob: one file, one request and one wait for the disk instead of many. Does not know where it is kept. */
import { createHash, hash } from "node:crypto";
import * as fs from "node:fs";
import { bundledBlobs, bundledSize, type Blob, type CachedOutput } from "../cache-store.ts";
import { writeAll } from "../files.ts";
import type { Wanted } from "./land.ts";
import { wrongBlob } from "./wrong.ts";

/** With fewer small files each is a blob of its own, which other results may share. */
const fewest = 16;
/** Files after which others get a turn. */
const breath = 64;

/**
 * The bundle of what a task has made; `files` are absolute paths by digest. Undefined: it has few small files.
 * @throws WrongBlob or ENOENT when a file is not what it was
 */
export async function makeBundle(
  outputs: readonly CachedOutput[],
  files: ReadonlyMap<string, string>,
): Promise<Blob | undefined> {
  const members = bundledBlobs(outputs);
  if (members.length < fewest) return undefined;
  const digest = createHash("sha256");
  const room = Buffer.allocUnsafe(bundledSize + 1);
  for (const [at, blob] of members.entries()) {
    if (at % breath === breath - 1) await nextTurn();
    digest.update(readProven(blob, files.get(blob.digest)!, room));
  }
  return { digest: digest.digest("hex"), size: members.reduce((sum, { size }) => sum + size, 0) };
}

/** Writes the files of a bundle, which are `wanted` in its order, and proves each. @throws WrongBlob, errors of the source and of the file system */
export async function landBundle(
  bundle: Blob,
  source: AsyncIterable<Uint8Array>,
  { wanted, signal }: { readonly wanted: readonly Wanted[]; readonly signal: AbortSignal },
): Promise<void> {
  const queue = groupByBlob(wanted).values();
  let next = queue.next();
  let written = 0;
  const room = Buffer.allocUnsafe(bundledSize);
  let filled = 0; // Bytes of the next file that came with earlier chunks.
  const exactModes = new Set<number>();
  const take = async (chunk: Uint8Array): Promise<void> => {
    let at = 0;
    for (; next.done !== true; next = queue.next()) {
      const { blob, files } = next.value;
      const part = chunk.subarray(at, at + blob.size - filled);
      at += part.length;
      if (filled > 0 || part.length < blob.size) room.set(part, filled);
      filled += part.length;
      if (filled < blob.size) return;
      const bytes = part.length === blob.size ? part : room.subarray(0, blob.size);
      filled = 0;
      if (hash("sha256", bytes, "hex") !== blob.digest) throw wrongBlob(blob);
      for (const file of files) {
        if (++written % breath === 0) await nextTurn();
        signal.throwIfAborted();
        writeNew(bytes, file, exactModes);
      }
    }
    if (at < chunk.length) throw wrongBlob(bundle);
  };
  for await (const chunk of source) await take(chunk);
  if (next.done !== true) throw wrongBlob(bundle);
}

/** A file's bytes, in the room that is given, which has one more: so a longer file shows. */
function readProven(blob: Blob, file: string, room: Buffer): Buffer {
  let size = 0;
  const descriptor = fs.openSync(file, "r");
  try {
    for (let more = 1; more > 0 && size <= blob.size; size += more)
      more = fs.readSync(descriptor, room, size, blob.size + 1 - size, null);
  } finally {
    fs.closeSync(descriptor);
  }
  const bytes = room.subarray(0, size);
  if (size !== blob.size || hash("sha256", bytes, "hex") !== blob.digest) throw wrongBlob(blob);
  return bytes;
}

const asNew = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL;

/** `exactModes` are those that new files got as they were asked for: no mask and no access list of the folder takes bits away. */
function writeNew(bytes: Uint8Array, { to, mode }: Wanted, exactModes: Set<number>): void {
  const descriptor = fs.openSync(to, asNew, mode);
  try {
    if (bytes.length > 0) writeAll(descriptor, bytes);
    if (exactModes.has(mode)) return;
    if ((fs.fstatSync(descriptor).mode & 0o7777) === mode) exactModes.add(mode);
    else fs.fchmodSync(descriptor, mode);
  } finally {
    fs.closeSync(descriptor);
  }
}

/** The same bytes may be wanted in several places. */
function groupByBlob(
  wanted: readonly Wanted[],
): ReadonlyMap<string, { readonly blob: Blob; readonly files: Wanted[] }> {
  const groups = new Map<string, { readonly blob: Blob; readonly files: Wanted[] }>();
  for (const file of wanted) {
    const group = groups.get(file.blob.digest);
    if (group === undefined) groups.set(file.blob.digest, { blob: file.blob, files: [file] });
    else group.files.push(file);
  }
  return groups;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
