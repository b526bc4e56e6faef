/**
 * Persistent shells that start programs: Node's own spawn copies its page tables, a small shell does not, so a thousand short
 * commands take a third of the time. Does not know tasks.
 *
 *     bt ──command line──▶ sh ──fork, exec──▶ program
 *      ◀──output, then a mark with the exit code──┘
 */
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as os from "node:os";
import type { Command, Exit, OnChunk, ProcessTree } from "./exec.ts";
import { findTool } from "./files.ts";

export interface WorkerPool {
  /** Undefined: this command needs a process of its own. */
  readonly run: (tree: ProcessTree, command: Command, onChunk: OnChunk) => Promise<Exit> | undefined;
  /** Ends the shells, and waits for them: nobody else would in a container without an init. */
  readonly close: () => Promise<void>;
}

interface Worker {
  readonly child: ChildProcess;
  readonly mark: Buffer;
  /** Set while a command runs. */
  job: Job | undefined;
}

interface Job {
  readonly onChunk: OnChunk;
  readonly finish: (exit: Exit) => void;
  code: number | undefined;
  /** Streams whose mark has not come yet. */
  openStreams: number;
}

/** What every command of a pool has in common; one that differs costs a little more. */
export interface PoolBase {
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A pool that grows to as many shells as commands run at the same time. */
export function createWorkerPool(base: PoolBase): WorkerPool {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const programs = new Map<string, string>();
  const find = (file: string, searchPath: string): string | undefined => {
    const name = `${file}\0${searchPath}`;
    const found = programs.get(name) ?? findTool(file, searchPath);
    if (found !== undefined) programs.set(name, found);
    return found;
  };
  const open = (): Worker => {
    const worker = startWorker(base);
    all.add(worker);
    worker.child.once("close", () => all.delete(worker));
    return worker;
  };
  return {
    run(tree, command, onChunk) {
      const program = find(command.file, command.env["PATH"] ?? "");
      const line = program === undefined ? undefined : renderCommand(command, program, base);
      if (line === undefined) return undefined;
      const worker = idle.pop() ?? open();
      return new Promise((resolve) => {
        const release = tree.adopt(worker.child, { detached: true });
        const finish = (exit: Exit): void => {
          worker.job = undefined;
          release();
          if (all.has(worker) && !tree.isStopped()) idle.push(worker);
          resolve(exit);
        };
        worker.job = { onChunk, finish, code: undefined, openStreams: 2 };
        worker.child.stdin?.write(line.replaceAll("MARK", worker.mark.toString("latin1")));
      });
    },
    async close() {
      const open = [...all].filter(({ child }) => !isEnded(child));
      const ended = open.map(({ child }) => new Promise((resolve) => child.once("exit", resolve)));
      for (const { child } of all) child.stdin?.end();
      await Promise.all(ended);
    },
  };
}

function isEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

function startWorker({ cwd, env }: PoolBase): Worker {
  const child = spawn("/bin/sh", ["-s"], { cwd, env, detached: true, stdio: "pipe" });
  const worker: Worker = { child, mark: Buffer.from(`bt:${randomBytes(12).toString("hex")}:`), job: undefined };
  child.stdin.on("error", () => {}); // The shell was killed; its `close` says so.
  readStream(worker, "stdout");
  readStream(worker, "stderr");
  child.once("error", (error) => worker.job?.finish({ error }));
  child.once("close", (code, signal) => worker.job?.finish(signal === null ? { code: code ?? 0 } : { signal }));
  return worker;
}

/** Passes output on until the mark: `NUL mark code NUL`. A tail that may be the start of a mark waits for more. */
function readStream(worker: Worker, stream: "stdout" | "stderr"): void {
  const start = Buffer.concat([Buffer.from([0]), worker.mark]);
  let held: Buffer = Buffer.alloc(0);
  worker.child[stream]?.on("data", (chunk: Buffer) => {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const at = bytes.indexOf(start);
    const end = at === -1 ? -1 : bytes.indexOf(0, at + start.length);
    const shownTo = at === -1 ? undecidedFrom(bytes, start) : at;
    const { job } = worker;
    if (shownTo > 0) job?.onChunk(stream, bytes.subarray(0, shownTo));
    held = end === -1 ? bytes.subarray(shownTo) : bytes.subarray(end + 1);
    if (end === -1 || job === undefined) return;
    const code = bytes.toString("latin1", at + start.length, end);
    if (code !== "") job.code = Number(code);
    job.openStreams--;
    if (job.openStreams === 0) job.finish(toExit(job.code ?? 0));
  });
}

function undecidedFrom(bytes: Buffer, start: Buffer): number {
  const from = bytes.lastIndexOf(0);
  const tail = bytes.length - from;
  return from !== -1 && tail < start.length && bytes.subarray(from).equals(start.subarray(0, tail))
    ? from
    : bytes.length;
}

const signalNames = new Map(
  Object.entries(os.constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]),
);

/** A shell reports a signal as 128 + its number. */
function toExit(code: number): Exit {
  const signal = code > 128 ? signalNames.get(code - 128) : undefined;
  return signal === undefined ? { code } : { signal };
}

/** Programs that shells have built in: only a path leads to the real one. */
const builtins = new Set(
  "[ alias bg cd command echo false fc fg getopts hash jobs kill printf pwd read test time true type ulimit umask unalias wait".split(
    " ",
  ),
);

/**
 * The command as a line for the shell; the environment only where it differs from the shell's own. In the shell's own folder it is one
 * simple command, which a shell starts without copying itself first.
 */
function renderCommand({ file, args, cwd, env, input }: Command, program: string, base: PoolBase): string | undefined {
  if (input !== undefined || file === "" || file.startsWith("-")) return undefined;
  const added = Object.entries(env).filter(([name, value]) => base.env[name] !== value);
  const isPlain =
    added.every(([name]) => /^[A-Za-z_]\w*$/.test(name)) && Object.keys(base.env).every((name) => name in env);
  const words = [builtins.has(file) ? program : file, ...args];
  if (
    !isPlain ||
    [...words, ...added.map(([, value]) => value)].some((text) => text.includes("\0") || text.includes("MARK"))
  )
    return undefined;
  const assignments = added.map(([name, value]) => `${name}=${quote(value)} `).join("");
  const call = words.map(quote).join(" ");
  const exports = added.length === 0 ? "" : `export ${assignments}; `;
  // `hash -r`: a program may have come into a folder of PATH since the last command. `command`: no function of that name.
  const line =
    cwd === base.cwd ? `hash -r; ${assignments}command ${call}` : `(cd ${quote(cwd)} && { ${exports}exec ${call}; })`;
  return `${line} </dev/null; printf '\\0MARK%s\\0' $?; printf '\\0MARK\\0' >&2\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
