/** One build at a time for a recipe, between processes of this machine. Does not know what is protected. */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Who holds a lock. */
export interface Owner {
  readonly pid: number;
  /** Process ids of an earlier boot are nobody's. */
  readonly bootId: string;
  /** Clock ticks after boot: a reused process id is somebody else. */
  readonly startTime: string;
  readonly host: string;
  readonly user: string;
  /** ISO 8601. */
  readonly since: string;
  readonly id: string;
}

/** Who holds `path`. Undefined: nobody, or nobody any more. */
export function findOwner(path: string): Owner | undefined {
  const owner = readOwner(path);
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

/** Takes the lock, or waits for it. Returns what gives it back, or who has it still when the time is up. */
export async function takeLock(
  path: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly onWait?: (owner: Owner) => void },
): Promise<{ readonly release: () => void } | { readonly owner: Owner }> {
  const own = createOwner();
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + options.timeoutMs;
  for (let isWaiting = false; !acquire(path, own);) {
    const owner = readOwner(path);
    if (owner === undefined || !isAlive(owner)) {
      breakLock(path, owner?.id);
      continue;
    }
    if (Date.now() >= deadline) return { owner };
    if (!isWaiting) options.onWait?.(owner);
    isWaiting = true;
    await wait(100, undefined, { signal: options.signal });
  }
  return { release: () => (readOwner(path)?.id === own.id ? rmSync(path, { force: true }) : undefined) };
}

/** Removes a lock that nobody holds. Returns who holds it if somebody does. */
export function dropStale(path: string): Owner | undefined {
  const owner = findOwner(path);
  if (owner === undefined) breakLock(path, readOwner(path)?.id);
  return owner;
}

/** `process 4711 of ann on forge since 2026-11-21T08:00:00.000Z` */
export function showOwner({ pid, user, host, since }: Owner): string {
  return `process ${pid} of ${user} on ${host} since ${since}`;
}

/** A hard link appears at once and with its text, so a lock never looks empty. */
function acquire(path: string, own: Owner): boolean {
  const staged = `${path}.${randomUUID()}`;
  writeFileSync(staged, `${JSON.stringify(own)}\n`);
  try {
    linkSync(staged, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(staged, { force: true });
  }
}

/** Moves a dead owner's lock away. One that somebody has taken over meanwhile is put back. */
function breakLock(path: string, deadId: string | undefined): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readOwner(aside)?.id !== deadId) linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function createOwner(): Owner {
  return {
    pid: process.pid,
    bootId: readProc("/proc/sys/kernel/random/boot_id") ?? "",
    startTime: startTime(process.pid) ?? "",
    host: hostname(),
    user: findUserName(),
    since: new Date().toISOString(),
    id: randomUUID(),
  };
}

function findUserName(): string {
  try {
    return process.env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return String(process.getuid?.()); // The user has no entry in the table.
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Owner; // Written by acquire only; of anything else nobody is the owner.
  } catch {
    return undefined;
  }
}

function isAlive({ bootId, pid, startTime: started }: Owner): boolean {
  if (bootId !== (readProc("/proc/sys/kernel/random/boot_id") ?? "")) return false;
  return started !== undefined && startTime(pid) === started;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. A zombie has ended. */
function startTime(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return fields[0] === "Z" ? undefined : fields[19];
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
