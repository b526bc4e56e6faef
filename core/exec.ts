/** Runs programs in process groups of their own and ends whole trees. Importer of `node:child_process`; does not know tasks. */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import * as fs from "node:fs";

/** One program to start. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Open descriptors that become 3 and 4. */
  readonly descriptors?: readonly [number, number];
}

/** How a process ended; exactly one of these is there. `limitMs` is the time that it was given and has used up. */
export type Exit =
  | { readonly code: number }
  | { readonly signal: NodeJS.Signals }
  | { readonly error: Error }
  | { readonly limitMs: number };

/** The processes of one try of a task. */
export interface ProcessTree {
  /** Value of BT_TASK_COOKIE, which all its descendants carry. */
  readonly cookie: string;
  /** Starts a program as the leader of a new group, or with `detached: false` in bt's own, which has the terminal. */
  readonly spawn: (file: string, args: readonly string[], options: SpawnOptions) => ChildProcess;
  /** Takes in a program that somebody else has started in the same way; the returned function lets it go again. */
  readonly adopt: (child: { readonly pid?: number | undefined }, options: { readonly detached: boolean }) => () => void;
  /** TERM to every group, then, after the grace, KILL to the groups and to whoever carries the cookie. */
  readonly stop: () => Promise<void>;
  /** KILL at once. */
  readonly kill: () => void;
  readonly isStopped: () => boolean;
  /** After `stop`, lets cleanups start programs again; not after `kill`. */
  readonly reopen: () => void;
}

export const cookieName = "BT_TASK_COOKIE";

export function createProcessTree(cookie: string, options: { readonly graceMs: number }): ProcessTree {
  const targets = new Set<number>(); // As `kill` takes them: negative for a group.
  let state: "open" | "stopped" | "killed" = "open";
  let stopping: Promise<void> | undefined; // Whoever asks again waits for it: its KILL must not meet the next processes of this cookie.
  const end = (): void => {
    signalAll(targets, "SIGKILL");
    killByCookie(cookie);
  };
  const adopt: ProcessTree["adopt"] = ({ pid }, { detached }) => {
    if (pid === undefined) return () => {};
    const target = detached ? -pid : pid;
    targets.add(target);
    if (state !== "open") signalAll([target], "SIGKILL");
    return () => targets.delete(target);
  };
  const stop = async (): Promise<void> => {
    if (state === "open") state = "stopped";
    signalAll(targets, "SIGTERM");
    const deadline = Date.now() + options.graceMs;
    while (Date.now() < deadline && [...targets].some(isAlive)) await pause(20);
    end();
  };
  return {
    cookie,
    adopt,
    spawn(file, args, spawnOptions) {
      const detached = spawnOptions.detached !== false;
      const child = spawn(file, args, { ...spawnOptions, detached });
      const release = adopt(child, { detached });
      child.once("close", () => (detached && child.pid !== undefined && sendSignal(-child.pid, 0)) || release());
      return child;
    },
    stop: () => (stopping ??= stop().finally(() => (stopping = undefined))),
    kill() {
      state = "killed";
      end();
    },
    isStopped: () => state !== "open",
    reopen() {
      if (state === "stopped") state = "open";
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function signalAll(targets: Iterable<number>, signal: NodeJS.Signals): void {
  for (const target of targets) sendSignal(target, signal);
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // Gone already, or never ours.
  }
}

/** Zombies count as gone: nothing is left to run. */
function isAlive(target: number): boolean {
  if (!sendSignal(target, 0)) return false;
  const members = listProcesses().filter(({ pid, group }) => pid === target || group === -target);
  return members.length === 0 || members.some(({ state }) => state !== "Z");
}

function listProcesses(): { pid: number; state: string; group: number }[] {
  return readProc().flatMap((pid) => {
    const [, state, , group] = /^.*\) (\S) (\d+) (\d+)/s.exec(readFile(`/proc/${pid}/stat`)) ?? [];
    return state === undefined ? [] : [{ pid, state, group: Number(group) }];
  });
}

/** Pids; empty on systems without /proc. */
function readProc(): number[] {
  try {
    return fs.readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readFile(file: string): string {
  try {
    return fs.readFileSync(file, "latin1");
  } catch {
    return ""; // The process ended while we looked.
  }
}

/** A process that hangs in the kernel is not waited for longer. Milliseconds. */
const dyingMs = 3000;

/** KILL to all processes whose environment has a cookie that starts so; ends when none is left. */
export function killByCookie(prefix: string): void {
  const needle = `${cookieName}=${prefix}`;
  for (const deadline = Date.now() + dyingMs; ;) {
    const found = readProc()
      .filter((pid) => pid !== process.pid && `\0${readFile(`/proc/${pid}/environ`)}`.includes(`\0${needle}`))
      .filter((pid) => sendSignal(pid, "SIGKILL"));
    if (found.length === 0 || Date.now() > deadline) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // On a busy machine who is killed needs a turn to be gone.
  }
}

/** Where a process's output goes, as it comes. */
export type OnChunk = (stream: "stdout" | "stderr", chunk: Buffer) => void;

/**
 * Runs one command to its end. Its output pipes may be held open by a process it left behind: those are ended after the grace.
 * Never rejects.
 */
export function runCommand(
  tree: ProcessTree,
  command: Command,
  options: { readonly onChunk: OnChunk; readonly graceMs: number },
): Promise<Exit> {
  const child = tree.spawn(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    stdio: [command.input === undefined ? "ignore" : "pipe", "pipe", "pipe", ...(command.descriptors ?? [])],
  });
  child.stdin?.on("error", () => {}); // The program may end without reading.
  child.stdin?.end(command.input);
  child.stdout?.on("data", (chunk: Buffer) => options.onChunk("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => options.onChunk("stderr", chunk));
  return waitFor(child, options.graceMs);
}

/** The exit of a child whose output somebody else reads. Never rejects. */
export function waitFor(child: ChildProcess, graceMs: number): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("exit", () => {
      const timer = setTimeout(() => child.pid !== undefined && sendSignal(-child.pid, "SIGKILL"), graceMs);
      child.once("close", () => clearTimeout(timer));
    });
    child.once("close", (code, signal) => resolve(signal === null ? { code: code ?? 0 } : { signal }));
  });
}

/** Runs a command with the terminal as its own: input, output, signals. */
export function runOnConsole(tree: ProcessTree, command: Command, output: "inherit" | 2): Promise<Exit> {
  return waitFor(
    tree.spawn(command.file, command.args, {
      cwd: command.cwd,
      env: command.env,
      stdio: ["inherit", output, "inherit", ...(command.descriptors ?? [])],
      detached: false,
    }),
    0,
  );
}
