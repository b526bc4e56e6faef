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

export interface WorkerPool {
  /** Undefined: this command needs a process of its own. */
  readonly run: (tree: ProcessTree, command: Command, onChunk: OnChunk) => Promise<Exit> | undefined;
  /** Ends the shells. */
  readonly close: () => void;
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

/** A pool that grows to as many shells as commands run at the same time. `env` is what every command's environment contains. */
export function createWorkerPool(env: Readonly<Record<string, string>>): WorkerPool {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const open = (): Worker => {
    const worker = startWorker(env);
    all.add(worker);
    worker.child.once("close", () => all.delete(worker));
    return worker;
  };
  return {
    run(tree, command, onChunk) {
      const line = renderCommand(command, env);
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
    close() {
      for (const { child } of all) child.stdin?.end();
    },
  };
}

function startWorker(env: Readonly<Record<string, string>>): Worker {
  const child = spawn("/bin/sh", ["-s"], { env, detached: true, stdio: "pipe" });
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
  return from !== -1 && tail < start.length && bytes.subarray(from).equals(start.subarray(0, tail)) ? from : bytes.length;
}

const signalNames = new Map(Object.entries(os.constants.signals).map(([name, number]) => [number, name as NodeJS.Signals]));

/** A shell reports a signal as 128 + its number. */
function toExit(code: number): Exit {
  const signal = code > 128 ? signalNames.get(code - 128) : undefined;
  return signal === undefined ? { code } : { signal };
}

/** The command as a line for the shell; the environment only where it differs from the shell's own. */
function renderCommand({ file, args, cwd, env, input }: Command, base: Readonly<Record<string, string>>): string | undefined {
  if (input !== undefined || file === "" || file.startsWith("-")) return undefined;
  const added = Object.entries(env).filter(([name, value]) => base[name] !== value);
  const isPlain = added.every(([name]) => /^[A-Za-z_]\w*$/.test(name)) && Object.keys(base).every((name) => name in env);
  const words = [file, ...args];
  if (!isPlain || [...words, ...added.map(([, value]) => value)].some((text) => text.includes("\0") || text.includes("MARK"))) return undefined;
  const exports = added.length === 0 ? "" : `export ${added.map(([name, value]) => `${name}=${quote(value)}`).join(" ")}; `;
  return `(cd ${quote(cwd)} && { ${exports}exec ${words.map(quote).join(" ")}; }) </dev/null; printf '\\0MARK%s\\0' $?; printf '\\0MARK\\0' >&2\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
