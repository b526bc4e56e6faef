/** Keeps a local cache within its bounds: results that nobody used for longest go first, and with them what only they needed. Does not know who uses it now. */
import * as fs from "node:fs";
import * as path from "node:path";
import { blobsOf } from "../cache-store.ts";
import { findText, makeFolder, replaceFile } from "../files.ts";
import { acquireLock } from "../lock.ts";
import { blobFolder, readResult, resultFolder } from "./local.ts";
import { farFolder } from "./place.ts";

export interface CacheBounds {
  readonly sizeBytes: number;
  /** Since it was last used. */
  readonly ageMs: number;
}

/** What a sweep found and left. */
export interface Swept {
  readonly results: number;
  readonly sizeBytes: number;
  readonly removedResults: number;
  readonly removedBytes: number;
}

/** What was used that recently may be in use now. Milliseconds. */
const inUseMs = 60_000;
/** A blob that no result refers to may be one whose result is about to come. Milliseconds. */
const orphanMs = 3600_000;
/** Without anything new, age alone is looked at this often. Milliseconds. */
const dayMs = 24 * 3600 * 1000;
/** A sweep leaves this part of the bound, so that the next one is not due at once. */
const keptShare = 0.9;

/** Remembers how much was written, and sweeps when that may be too much, or the last time is long ago. */
export async function sweepWhenDue(folder: string, bounds: CacheBounds, writtenBytes: number): Promise<void> {
  const file = path.join(folder, "size");
  if (writtenBytes > 0) fs.appendFileSync(file, `${writtenBytes}\n`);
  const text = findText(file);
  if (text === undefined) return;
  const total = text.split("\n").reduce((sum, line) => sum + (Number(line) || 0), 0);
  const [first = ""] = text.split("\n", 1);
  const sweptMs = Number(/^swept (\d+)$/.exec(first)?.[1] ?? fs.statSync(file).birthtimeMs);
  if (total > bounds.sizeBytes || Date.now() - sweptMs > Math.min(dayMs, bounds.ageMs))
    await sweepCache(folder, bounds);
}

/** Collects what is too old, and of the rest what is too much. One at a time. */
export async function sweepCache(folder: string, bounds: CacheBounds): Promise<Swept> {
  makeFolder(folder);
  const lock = await acquireLock(path.join(folder, "sweeping"), { signal: AbortSignal.timeout(10_000) });
  try {
    const swept = sweep(folder, bounds, Date.now());
    replaceFile(path.join(folder, "size"), `swept ${Date.now()}\n${swept.sizeBytes}\n`);
    return swept;
  } finally {
    lock.release();
  }
}

interface Entry {
  readonly file: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
  readonly digests: readonly string[];
}

function sweep(folder: string, bounds: CacheBounds, nowMs: number): Swept {
  const blobs = new Map(list(path.join(folder, blobFolder)).map((blob) => [path.basename(blob.file), blob]));
  const users = new Map<string, number>();
  const entries = list(path.join(folder, resultFolder)).flatMap((found): Entry[] => {
    const result = readResult(found.file, path.basename(found.file));
    if (result === undefined) return (fs.rmSync(found.file, { force: true }), []);
    const digests = blobsOf(result).map(({ digest }) => digest);
    for (const digest of digests) users.set(digest, (users.get(digest) ?? 0) + 1);
    return [{ ...found, digests }];
  });
  const far = list(path.join(folder, farFolder));
  let sizeBytes = [...blobs.values(), ...entries, ...far].reduce((sum, { sizeBytes: own }) => sum + own, 0);
  let [removedResults, removedBytes] = [0, 0];
  const remove = (file: string, bytes: number): void => {
    fs.rmSync(file, { force: true });
    sizeBytes -= bytes;
    removedBytes += bytes;
  };
  for (const [digest, blob] of blobs)
    if (!users.has(digest) && nowMs - blob.usedMs > orphanMs) remove(blob.file, blob.sizeBytes);
  for (const { file, sizeBytes: own, usedMs } of far) if (nowMs - usedMs > bounds.ageMs) remove(file, own);
  const isTooMuch = sizeBytes > bounds.sizeBytes;
  for (const entry of entries.sort((a, b) => a.usedMs - b.usedMs)) {
    const isOld = nowMs - entry.usedMs > bounds.ageMs;
    if (nowMs - entry.usedMs < inUseMs) break;
    if (!isOld && !(isTooMuch && sizeBytes > bounds.sizeBytes * keptShare)) break;
    if (statOf(entry.file)?.usedMs !== entry.usedMs) continue; // Used just now.
    removedResults++;
    remove(entry.file, entry.sizeBytes);
    for (const digest of entry.digests) {
      const left = (users.get(digest) ?? 1) - 1;
      users.set(digest, left);
      const blob = blobs.get(digest);
      const now = left === 0 && blob !== undefined ? statOf(blob.file) : undefined;
      // Newer than what it was made for: somebody else counts on it.
      if (now !== undefined && now.usedMs <= entry.usedMs) remove(now.file, now.sizeBytes);
    }
  }
  return { results: entries.length - removedResults, sizeBytes, removedResults, removedBytes };
}

function list(folder: string): Omit<Entry, "digests">[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return []; // Nothing was ever kept.
  }
  return names.flatMap((name) => statOf(path.join(folder, name)) ?? []);
}

function statOf(file: string): Omit<Entry, "digests"> | undefined {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat === undefined ? undefined : { file, sizeBytes: stat.blocks * 512, usedMs: stat.mtimeMs };
}
