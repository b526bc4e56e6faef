/** A pool of job slots: one byte for each job beside the first. Finds the one that make has announced, makes one of our own. Does not know who wants a byte. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Auth } from "./makeflags.ts";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = fs.constants;

/** Descriptors and a name that let one child take part. */
export interface Entry {
  /** Value of `--jobserver-auth`. */
  readonly auth: string;
  /** To be handed over as 3 and 4. Absent: the name is enough. */
  readonly descriptors?: readonly [read: number, write: number];
  /** Closes our copies, after the child has been started. */
  readonly close: () => void;
}

export interface Pool {
  /** Opens a description for reading that never blocks and is nobody else's. */
  readonly openReader: () => number;
  /** Gives a byte back; it cannot block, as the pool is far smaller than a pipe. False: the pool is gone. */
  readonly give: (byte: number) => boolean;
  /** A descriptor that bytes can be written to. */
  readonly writer: number;
  readonly enter: (style: "pipe" | "fifo") => Entry;
  /** Reads all bytes that are there. */
  readonly drain: () => number;
  readonly close: () => void;
}

/** The pool that a make above has announced. Undefined: there is none that could be used. */
export function joinPool(auth: Exclude<Auth, { kind: "none" }>): Pool | undefined {
  try {
    return auth.kind === "fifo" ? joinFifo(auth.path) : joinPipe(auth.read, auth.write);
  } catch {
    return undefined; // Closed, missing, not ours to open: no pool in any case.
  }
}

function joinFifo(file: string): Pool | undefined {
  if (!fs.statSync(file).isFIFO()) return undefined;
  return openFifo(file, () => {});
}

/**
 * make closes its pipe for recipes without `+`, but announces it all the same. Node then opens pipes of its own on those numbers, so being
 * a pipe proves nothing: only one that a process above us holds as well is make's.
 */
function joinPipe(read: number, write: number): Pool | undefined {
  const [from, to] = [fs.fstatSync(read), fs.fstatSync(write)];
  if (!from.isFIFO() || !to.isFIFO() || from.ino !== to.ino || !isHeldAbove(from)) return undefined;
  const openReader = (): number => fs.openSync(`/proc/self/fd/${read}`, O_RDONLY | O_NONBLOCK);
  return {
    openReader,
    writer: write,
    give: (byte) => tryWrite(write, byte),
    enter: (style) =>
      style === "pipe"
        ? { auth: "3,4", descriptors: [read, write], close: () => {} }
        : { auth: `fifo:/proc/${process.pid}/fd/${read}`, close: () => {} },
    drain: () => 0, // Others hold bytes of this pool: there is nothing to count.
    close: () => {},
  };
}

/** How far up a make is looked for. */
const mostAncestors = 64;

function isHeldAbove(pipe: fs.Stats): boolean {
  let pid = process.ppid;
  for (let step = 0; step < mostAncestors && pid > 0; step++) {
    if (isHeldBy(pid, pipe)) return true;
    pid = parentOf(pid);
  }
  return false;
}

function isHeldBy(pid: number, pipe: fs.Stats): boolean {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).some((name) => isSame(`/proc/${pid}/fd/${name}`, pipe));
  } catch {
    return false; // Somebody else's process, or none any more.
  }
}

function isSame(link: string, pipe: fs.Stats): boolean {
  try {
    const { dev, ino } = fs.statSync(link);
    return ino === pipe.ino && dev === pipe.dev;
  } catch {
    return false; // Closed meanwhile.
  }
}

/** 0: there is none above, or it cannot be told. */
function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A pool of our own, empty; `fill` bytes are put in. Undefined: this system cannot make one. */
export function createPool(fill: number): Pool | undefined {
  removeOrphans();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `bt-jobs-${process.pid}-`));
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  const file = path.join(folder, "pool");
  // Node has no call for it.
  if (spawnSync("mkfifo", ["-m", "600", file], { stdio: "ignore" }).status !== 0) {
    remove();
    return undefined;
  }
  const pool = openFifo(file, remove);
  for (let count = 0; count < fill; count++) pool.give(token);
  return pool;
}

/** Pools of bts that were killed and could not remove them. */
function removeOrphans(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = Number(/^bt-jobs-(\d+)-/.exec(name)?.[1] ?? 0);
    try {
      if (pid > 0 && !isRunning(pid)) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
    } catch {
      continue; // Somebody else's.
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** `+`: what make itself puts into its pools. */
const token = 43;

/** The descriptor for both directions keeps the pool alive while we are. */
function openFifo(file: string, remove: () => void): Pool {
  const both = fs.openSync(file, O_RDWR | O_NONBLOCK);
  return {
    openReader: () => fs.openSync(file, O_RDONLY | O_NONBLOCK),
    writer: both,
    give: (byte) => tryWrite(both, byte),
    enter(style) {
      if (style === "fifo") return { auth: `fifo:${file}`, close: () => {} };
      // Own descriptions for each child: what one child does to its flags harms no other.
      const descriptors = [fs.openSync(file, O_RDONLY | O_NONBLOCK), fs.openSync(file, O_WRONLY)] as const;
      return { auth: "3,4", descriptors, close: () => descriptors.forEach((descriptor) => fs.closeSync(descriptor)) };
    },
    drain() {
      let count = 0;
      for (let read = tryRead(both); read > 0; read = tryRead(both)) count += read;
      return count;
    },
    close() {
      fs.closeSync(both);
      remove();
    },
  };
}

function tryWrite(descriptor: number, byte: number): boolean {
  try {
    return fs.writeSync(descriptor, Buffer.from([byte])) === 1;
  } catch {
    return false; // The pool has ended before us.
  }
}

function tryRead(descriptor: number): number {
  try {
    return fs.readSync(descriptor, Buffer.alloc(256));
  } catch {
    return 0; // Nothing is there now.
  }
}

/** The byte that a pool of our own is made of. */
export const ownToken: number = token;
