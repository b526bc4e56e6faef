/** One owner at a time for a path, between promises of this process and between processes of this machine. Does not know what is protected. */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** How long to wait for a lock. */
export interface LockOptions {
  /** Called once, when the lock is held by another process; gets its process id. */
  readonly onWait?: (pid: number) => void;
  readonly signal?: AbortSignal;
}

interface Owner {
  readonly pid: number;
  /** Of the machine's boot: process ids of an earlier boot are nobody's. */
  readonly boot: string;
  /** Start time of the process in clock ticks after boot: a reused process id is somebody else. */
  readonly started: string;
  readonly id: string;
}

const queues = new Map<string, Promise<unknown>>();

/** Runs `work` while this process alone holds `path`. The lock of a dead process is taken over. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before.then(() => holdFile(path, work, options));
  const settled = turn.catch(() => undefined);
  queues.set(path, settled);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === settled) queues.delete(path);
  }
}

async function holdFile<T>(path: string, work: () => Promise<T>, options: LockOptions): Promise<T> {
  const owner = `${JSON.stringify(createOwner())}\n`;
  await mkdir(dirname(path), { recursive: true });
  for (let pauseMs = 5, waiting = false; !(await acquire(path, owner)); pauseMs = Math.min(pauseMs * 2, 200)) {
    const found = await readFile(path, "utf8").catch(() => undefined);
    if (found === undefined) continue;
    if (!isAlive(found)) {
      await breakLock(path, found);
      continue;
    }
    if (!waiting) options.onWait?.((JSON.parse(found) as Owner).pid);
    waiting = true;
    await wait(pauseMs, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    if ((await readFile(path, "utf8").catch(() => undefined)) === owner) await rm(path, { force: true });
  }
}

/** A hard link appears at once and with its text, so a lock file never looks empty. */
async function acquire(path: string, owner: string): Promise<boolean> {
  const staged = `${path}.${randomUUID()}`;
  await writeFile(staged, owner);
  try {
    await link(staged, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(staged, { force: true });
  }
}

/** Moves a dead owner's lock away; one that was taken over in the meantime is put back. */
async function breakLock(path: string, dead: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await readFile(aside, "utf8")) !== dead) await link(aside, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "EEXIST") throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function createOwner(): Owner {
  return { pid: process.pid, boot: bootId(), started: startTime(process.pid) ?? "", id: randomUUID() };
}

function isAlive(text: string): boolean {
  let owner: Owner;
  try {
    owner = JSON.parse(text) as Owner;
  } catch {
    return false;
  }
  if (owner.boot !== bootId()) return false;
  const started = startTime(owner.pid);
  if (started !== undefined) return started === owner.started;
  try {
    process.kill(owner.pid, 0);
    // Without /proc the process id is all there is.
    return owner.started === "";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" && owner.started === "";
  }
}

function bootId(): string {
  return readProc("/proc/sys/kernel/random/boot_id") ?? "";
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. */
function startTime(pid: number): string | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
