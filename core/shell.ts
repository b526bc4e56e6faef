/** Starts a task's programs: `exec` (execa), `$` (zx) and commands given as data, all through one path. Importer of `zx` and `execa`; does not know scheduling. */
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { createRequire } from "node:module";
import * as path from "node:path";
import type * as Zx from "zx/core";
import { isBtError } from "./errors.ts";
import { commandFailed, commandMissing } from "./errors/run.ts";
import { runCommand, runOnConsole, waitFor, type Command, type Exit, type ProcessTree } from "./exec.ts";
import { hasCode, isFolder } from "./files.ts";
import { commandText, exitText, parseCommand } from "./command-line.ts";
import { createOutput, type Output } from "./output.ts";
import { createPending } from "./pending.ts";
import type { Handed } from "./share.ts";
import type { Secrets } from "./secrets.ts";
import type { ExecOptions, ExecResult, Shell } from "./program.ts";
import type { WorkerPool } from "./worker.ts";

/** What the programs of one try of a task share. */
export interface ShellOptions {
  readonly task: string;
  readonly tree: ProcessTree;
  readonly root: string;
  /** Absolute. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
  readonly graceMs: number;
  /** True: the terminal belongs to this task. */
  readonly hasConsole: boolean;
  /** Where the output of a task with the terminal goes: 2 if standard output is not for it. */
  readonly consoleOutput: "inherit" | 2;
  /** True: commands are only said, nothing is started. */
  readonly isDryRun: boolean;
  readonly pool?: WorkerPool;
  readonly say: (stream: "stdout" | "stderr" | "command", text: string) => void;
  /** Job slots for a program that starts jobs of its own. */
  readonly handOn: (command: Command) => Handed | undefined;
  /** May replace a command before it starts. */
  readonly rewrite: (command: Command) => Command;
}

export interface TaskShell {
  /** A command given as data. @throws BtError COMMAND_FAILED, COMMAND_MISSING */
  readonly run: (command: string | readonly string[]) => Promise<void>;
  readonly exec: (file: string, args?: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  /** Loads zx, at the first use and without waiting, because `$` itself is not waited for. */
  readonly load: () => Shell;
  /** What is still running after a grace for what nobody reads to its end, such as `yes | head`. */
  readonly settle: () => Promise<readonly string[]>;
  /** An uncaught failure of zx as the message for it; anything else as it is. */
  readonly explain: (error: unknown) => unknown;
}

export function createShell(options: ShellOptions): TaskShell {
  const pending = createPending();
  const failures: { readonly command: Command; readonly exit: Exit; readonly tail: readonly string[] }[] = [];
  const begin = (command: Command, shown?: string): Command => {
    const rewritten = options.rewrite(command);
    options.say("command", options.secrets.hide(shown ?? commandText(rewritten)));
    return rewritten;
  };
  const fail = (command: Command, exit: Exit, tail: readonly string[], shown = commandText(command)): unknown => {
    const { task, root } = options;
    const cwd = path.relative(root, command.cwd);
    if ("error" in exit && !isFolder(command.cwd))
      return commandMissing({ task, file: command.file, cwd, why: "no-folder" });
    if ("error" in exit && hasCode(exit.error, "ENOENT"))
      return commandMissing({ task, file: command.file, cwd, why: "absent" });
    if ("error" in exit && hasCode(exit.error, "EACCES"))
      return commandMissing({ task, file: command.file, cwd, why: "forbidden" });
    return commandFailed({ task, command: options.secrets.hide(shown), exit: exitText(exit), cwd, lines: tail });
  };
  /** The command with its job slots. */
  const give = (command: Command): Given => {
    const handed = options.handOn(command);
    if (handed === undefined) return { command, watch: (exit) => exit };
    const { makeflags, descriptors } = handed;
    const full = {
      ...command,
      env: { ...command.env, MAKEFLAGS: makeflags },
      ...(descriptors === undefined ? {} : { descriptors }),
    };
    return {
      command: full,
      watch(exit) {
        handed.started();
        void exit.then((end) =>
          handed.ended({ task: options.task, isKilled: "signal" in end && end.signal === "SIGKILL" }),
        );
        return exit;
      },
    };
  };
  const run = async (data: string | readonly string[]): Promise<void> => {
    const { argv, shown } = parseCommand(data);
    const command = begin({ file: argv[0] ?? "", args: argv.slice(1), cwd: options.cwd, env: options.env }, shown);
    if (options.isDryRun) return;
    const output = createOutput(options.secrets, options.say);
    const given = give(command);
    const exit = await given.watch(
      options.hasConsole
        ? runOnConsole(options.tree, given.command, options.consoleOutput)
        : runFast(given.command, output, options),
    );
    output.end();
    if (!("code" in exit && exit.code === 0)) throw fail(command, exit, output.tail(), shown);
  };
  const exec: TaskShell["exec"] = (file, args = [], own = {}) =>
    pending.hold(options.secrets.hide(commandText({ file, args })), runExec(file, args, own));
  const runExec = async (file: string, args: readonly string[], own: ExecOptions): Promise<ExecResult> => {
    const command = begin({
      file,
      args,
      cwd: path.resolve(options.cwd, own.cwd ?? "."),
      env: mergeEnv(options.env, own.env),
      ...(own.input === undefined ? {} : { input: own.input }),
    });
    if (options.isDryRun) return { exitCode: 0, stdout: "", stderr: "" };
    const { exit, result, tail } = await runExeca(give(command), own, options);
    const { allowedCodes = [0] } = own;
    if (!("code" in exit && (allowedCodes === "any" || allowedCodes.includes(exit.code))))
      throw fail(command, exit, tail);
    return { ...result, exitCode: exit.code };
  };
  const spawnForZx = (text: string, _: readonly string[], spawnOptions: SpawnOptions): ChildProcess => {
    const shell = typeof spawnOptions.shell === "string" ? spawnOptions.shell : "bash";
    const command = begin(
      {
        file: shell,
        args: ["-c", text],
        cwd: String(spawnOptions.cwd ?? options.cwd),
        env: mergeEnv({}, spawnOptions.env),
      },
      text.slice(prefix.length),
    );
    const given = give(command);
    const onConsole: SpawnOptions["stdio"] = ["inherit", options.consoleOutput, "inherit"];
    const stdio = options.hasConsole ? onConsole : spawnOptions.stdio;
    const child = options.tree.spawn(command.file, command.args, {
      ...spawnOptions,
      shell: false,
      detached: !options.hasConsole,
      cwd: command.cwd,
      env: given.command.env,
      stdio: withDescriptors(stdio, given.command),
    });
    if (spawnOptions.stdio === "pipe" && !("input" in spawnOptions && Boolean(spawnOptions.input))) endUnfed(child);
    const output = watch(child, options);
    const shown = options.secrets.hide(text.slice(prefix.length));
    void pending.hold(shown, given.watch(waitFor(child, options.graceMs))).then((exit) => {
      output.end();
      if (!("code" in exit && exit.code === 0))
        failures.push({
          command: { ...command, file: "", args: [text.slice(prefix.length)] },
          exit,
          tail: output.tail(),
        });
    });
    return child;
  };
  const load = (): Shell => {
    const { $, quote } = loadZx();
    if (options.isDryRun)
      return recordingShell(quote, (text) =>
        begin({ file: "bash", args: ["-c", text], cwd: options.cwd, env: options.env }, text),
      );
    return $({
      spawn: spawnForZx as never,
      cwd: options.cwd,
      env: { ...options.env },
      shell: "bash",
      prefix,
      quote,
      quiet: true,
      verbose: false,
      detached: true,
    }); // Node's spawn has ten overloads; zx calls this one.
  };
  const explain = (error: unknown): unknown => {
    if (
      isBtError(error) ||
      !(error instanceof Error) ||
      Object.prototype.toString.call(error) !== "[object ProcessOutput]"
    )
      return error;
    const last = failures.at(-1);
    return last === undefined ? error : fail(last.command, last.exit, last.tail);
  };
  return { run, exec, load, settle: () => pending.settle(options.graceMs), explain };
}

/** A command with its job slots, and who hears of its end. */
interface Given {
  readonly command: Command;
  readonly watch: (exit: Promise<Exit>) => Promise<Exit>;
}

function withDescriptors(stdio: SpawnOptions["stdio"], { descriptors }: Command): SpawnOptions["stdio"] {
  if (descriptors === undefined) return stdio ?? "pipe";
  const first = Array.isArray(stdio) ? stdio.slice(0, 3) : Array.from({ length: 3 }, () => stdio ?? "pipe");
  return [...first, ...descriptors];
}

/** zx keeps the input of every program open for a later `.pipe()`. One that nobody feeds right away finds its end instead of waiting for ever. */
function endUnfed(child: ChildProcess): void {
  child.stdin?.once("pipe", (source: NodeJS.EventEmitter) => {
    setImmediate(() => source.listenerCount("unpipe") === 0 && child.stdin?.end()); // A stream that is piped into listens for that.
  });
}

function loadZx(): typeof Zx {
  const loaded: typeof Zx = createRequire(import.meta.url)("zx/core");
  return loaded;
}

/** What zx puts before every command line. */
const prefix = "set -euo pipefail;";

/** Through the pool when there is one and the program exists; spawn says best what is missing. */
async function runFast(command: Command, output: Output, { pool, tree, root, graceMs }: ShellOptions): Promise<Exit> {
  const isThere =
    pool !== undefined && command.descriptors === undefined && (command.cwd === root || isFolder(command.cwd));
  const pooled = isThere ? pool.run(tree, command, output.write) : undefined;
  return await (pooled ?? runCommand(tree, command, { onChunk: output.write, graceMs }));
}

/** Sends what a child prints to the screen and the log; whoever started it may read it as well. */
function watch(child: ChildProcess, { secrets, say }: ShellOptions): Output {
  const output = createOutput(secrets, say);
  child.stdout?.on("data", (chunk: Buffer) => output.write("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => output.write("stderr", chunk));
  return output;
}

async function runExeca(
  { command, watch: watchEnd }: Given,
  own: ExecOptions,
  options: ShellOptions,
): Promise<{ exit: Exit; result: Omit<ExecResult, "exitCode">; tail: readonly string[] }> {
  const { execa } = await import("execa");
  const shown = options.hasConsole ? (["inherit", "pipe"] as const) : ("pipe" as const);
  const unfed = options.hasConsole ? ("inherit" as const) : ("ignore" as const);
  const child = execa(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    extendEnv: false,
    reject: false,
    detached: !options.hasConsole,
    stdio: [command.input === undefined ? unfed : "pipe", shown, shown, ...givenDescriptors(command)],
    ...(command.input === undefined ? {} : { input: command.input }),
    ...(own.timeoutMs === undefined ? {} : { timeout: own.timeoutMs }),
  });
  options.tree.adopt(child, { detached: !options.hasConsole });
  const output = createOutput(options.secrets, options.hasConsole || own.show === false ? () => {} : options.say);
  child.stdout?.on("data", (chunk: Buffer) => output.write("stdout", chunk));
  child.stderr?.on("data", (chunk: Buffer) => output.write("stderr", chunk));
  const [ended, left] = await Promise.all([child, watchEnd(waitFor(child, options.graceMs))]);
  const exit = ended.timedOut && own.timeoutMs !== undefined ? { limitMs: own.timeoutMs } : left;
  output.end();
  return {
    exit,
    result: { stdout: String(ended.stdout ?? ""), stderr: String(ended.stderr ?? "") },
    tail: output.tail(),
  };
}

/** execa takes any descriptor; its types know only the first three. */
function givenDescriptors({ descriptors }: Command): readonly "inherit"[] {
  return (descriptors ?? []) as readonly unknown[] as readonly "inherit"[];
}

/** `$` of a dry run: says the command, starts nothing, succeeds with empty output. */
function recordingShell(quote: (text: string) => string, begin: (text: string) => unknown): Shell {
  const shell = (pieces: TemplateStringsArray | object, ...values: unknown[]): unknown => {
    if (!Array.isArray(pieces)) return shell;
    const words = values.map((value) =>
      Array.isArray(value) ? value.map((word) => quote(String(word))).join(" ") : quote(String(value)),
    );
    begin(pieces.map((piece, at) => piece + (words[at] ?? "")).join(""));
    return Object.assign(Promise.resolve({ exitCode: 0, stdout: "", stderr: "", text: () => "", lines: () => [] }), {
      quiet: () => shell,
      nothrow: () => shell,
    });
  };
  return shell as Shell; // Only what a dry run can give.
}

function mergeEnv(
  base: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string | undefined>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...base, ...more }).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
