/** One owner at a time for a path, between processes and containers of this machine; what is left of one that is gone is taken over. Does not know what is guarded. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findStat, hasCode, makeFolder } from "./files.ts";
import { findPresence, pidOf, processName } from "./owner.ts";

export interface Lock {
  /** Somebody else held it first, and may have done the work. */
  readonly waited: boolean;
  readonly release: () => void;
}

/** Who has a lock. */
export interface Holder {
  readonly pid: number;
  /** What it said of itself. */
  readonly note: string;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if somebody has the lock. */
  readonly onWait?: ((holder: Holder) => void) | undefined;
}

/** How long a waiting process rests before it looks again: at first, and at most. Milliseconds. */
const pauseMs = { first: 5, most: 50 };
/** A holder says this often that it is there, for those who cannot see its process. Milliseconds. */
const beatMs = 10_000;
/** One that nobody here can see, and that has said nothing for so long, is gone. Milliseconds. */
const silentMs = 120_000;

/**
 * Takes the lock unless somebody has it, without waiting. Makes its folder. A lock is a symbolic link whose target names its owner: made and read in
 * one step, so it is never half written. `note` is what others are told of this process.
 */
export function tryLock(file: string, note = ""): Lock | { readonly holder: Holder } {
  const target = `${processName()} ${note}`.trimEnd();
  for (let waited = false; ; waited = true) {
    if (tryLink(target, file)) return { waited, release: beginHolding(file, target) };
    const found = readLock(file);
    if (found === undefined) continue; // Released just now.
    const holder = isOver(file, found) ? breakLock(file, found) : holderOf(found);
    if (holder !== undefined) return { holder };
  }
}

/** Takes the lock, waiting while somebody else has it. Rejects with the reason of the signal. */
export async function acquireLock(file: string, { signal, onWait }: LockOptions = {}): Promise<Lock> {
  for (let restMs = 0; ; restMs = Math.min(restMs * 2 || pauseMs.first, pauseMs.most)) {
    if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    signal?.throwIfAborted();
    const taken = tryLock(file);
    if ("release" in taken) return { ...taken, waited: taken.waited || restMs > 0 };
    if (restMs === 0) onWait?.(taken.holder);
  }
}

/** Who has the lock. Undefined: nobody, or nobody any more. Changes nothing. */
export function findHolder(file: string): Holder | undefined {
  const found = readLock(file);
  return found === undefined || isOver(file, found) ? undefined : holderOf(found);
}

function tryLink(target: string, file: string): boolean {
  try {
    fs.symlinkSync(target, file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    if (!hasCode(error, "ENOENT")) throw error;
    makeFolder(path.dirname(file));
    return tryLink(target, file);
  }
}

/** What a lock says of its owner: empty when it is no link. Undefined: nothing is there. */
function readLock(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    if (hasCode(error, "EINVAL")) return "";
    throw error;
  }
}

function holderOf(target: string): Holder {
  return { pid: pidOf(target), note: target.replace(/^\S* ?/, "") };
}

function isOver(file: string, target: string): boolean {
  if (target === "") return true; // No process of bt made this.
  const presence = findPresence(target.replace(/ .*/s, ""));
  if (presence !== "unseen") return presence === "gone";
  return Date.now() - (findStat(file)?.mtimeMs ?? Infinity) > silentMs;
}

/**
 * Removes the lock of an owner that is gone. Two processes may find it; only who holds a lock of its own for this removes anything, so that what the
 * faster one has taken meanwhile is not removed by the slower one. Undefined: it may be taken now. Else who is at it.
 */
function breakLock(file: string, dead: string): Holder | undefined {
  const guard = tryLock(`${file}.breaking`);
  if ("holder" in guard) return guard.holder;
  try {
    if (readLock(file) === dead) fs.unlinkSync(file);
  } finally {
    guard.release();
  }
  return undefined;
}

/** Locks of this process. */
const held = new Set<string>();
let beating: NodeJS.Timeout | undefined;

/** Returns what gives the lock back. What cannot be removed is over when this process has ended. */
function beginHolding(file: string, target: string): () => void {
  held.add(file);
  beating ??= setInterval(beat, beatMs).unref();
  return () => {
    held.delete(file);
    if (held.size === 0) {
      clearInterval(beating);
      beating = undefined;
    }
    try {
      if (readLock(file) === target) fs.unlinkSync(file);
    } catch {
      return;
    }
  };
}

function beat(): void {
  const now = new Date();
  for (const file of held) {
    try {
      fs.lutimesSync(file, now, now);
    } catch {
      continue; // Removed by hand.
    }
  }
}
