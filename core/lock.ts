/** One lock per task between bts of one checkout; a lock whose owner is gone is taken over. Does not know what it guards. */
import * as fs from "node:fs";
import * as path from "node:path";
import { fileNameOf, hasCode, makeFolder } from "./files.ts";

export interface Lock {
  /** Somebody else held it first, and may have done the work. */
  readonly waited: boolean;
  readonly release: () => void;
}

/** This process as a lock names it. */
let own: string | undefined;

/** How often a waiting bt looks again. Milliseconds. */
const pollMs = 50;

/** Takes the lock if nobody holds it, without waiting. */
export function tryLock(folder: string, name: string): Lock | undefined {
  const file = path.join(folder, fileNameOf(name));
  return tryLink(processName(), file) ? { waited: false, release: () => removeLink(file) } : undefined;
}

/**
 * Takes the lock `name`, waiting while another bt holds it. A lock is a symbolic link whose target names its owner:
 * made and read in one step, so it is never half written.
 */
export async function acquireLock(folder: string, name: string, signal: AbortSignal): Promise<Lock> {
  const file = path.join(folder, fileNameOf(name));
  const owner = processName();
  for (let waited = false; ; waited = true) {
    signal.throwIfAborted();
    if (tryLink(owner, file)) return { waited, release: () => removeLink(file) };
    const holder = findHolder(file);
    if (holder !== undefined && !isAlive(holder) && breakLock(file, holder)) continue;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** This process, as a lock or a folder of its own names it: unlike a number it never comes again. */
export function processName(): string {
  return (own ??= `${process.pid}:${startTime(process.pid)}`);
}

/** Numbers of processes mean something only within it: a container has its own. */
export function pidNamespace(): string {
  try {
    namespace ??= fs.readlinkSync("/proc/self/ns/pid").replaceAll(/\D/g, "");
  } catch {
    namespace = "none"; // No /proc.
  }
  return namespace;
}
let namespace: string | undefined;

/** What cannot be removed is stale when this process has ended; whoever took over a lock that looked stale has removed it already. */
function removeLink(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    return;
  }
}

function tryLink(owner: string, file: string): boolean {
  try {
    fs.symlinkSync(owner, file);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    if (!hasCode(error, "ENOENT")) throw error;
    makeFolder(path.dirname(file));
    return tryLink(owner, file);
  }
}

function findHolder(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined; // Released just now.
  }
}

/**
 * Removes the lock of a dead owner. Two bts may find it; only who holds a lock of its own for this removes anything, so that what the faster one
 * has taken meanwhile is not removed by the slower one. Returns whether somebody may take it now.
 */
function breakLock(file: string, dead: string): boolean {
  const guard = `${file}.breaking`;
  if (!tryLink(processName(), guard)) {
    const other = findHolder(guard);
    if (other !== undefined && !isAlive(other)) removeLink(guard); // It was killed while it did this.
    return false;
  }
  if (findHolder(file) === dead) removeLink(file);
  removeLink(guard);
  return true;
}

/** A number is used again after its process has ended; the start time tells the two apart. */
export function isAlive(holder: string): boolean {
  const [pid, start] = holder.split(":");
  return startTime(Number(pid)) === start && start !== "";
}

/** Clock ticks since boot; empty when there is no such process. Without /proc, whether a signal could be sent. */
function startTime(pid: number): string {
  try {
    return (
      fs
        .readFileSync(`/proc/${pid}/stat`, "latin1")
        .replace(/^.*\) /s, "")
        .split(" ")[19] ?? ""
    );
  } catch {
    return !fs.existsSync("/proc/self") && canSignal(pid) ? "alive" : "";
  }
}

function canSignal(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
