/** What an action works with: its context and its shell, and how they are put away. Does not run the action. */
import { mkdtemp } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import type { Commit } from "./commit.ts";
import { nestedEnvironment, taskEnvironment } from "./environment.ts";
import type { EventBody, Outcome } from "./event.ts";
import { cookieName, type ProcessTree } from "./exec.ts";
import type { FileMemo } from "./files.ts";
import { removePath } from "./remove.ts";
import type { Node } from "./graph.ts";
import type { Hooks, Job } from "./hooks.ts";
import type { Secrets } from "./secrets.ts";
import type { Share } from "./share.ts";
import { createShell, type TaskShell } from "./shell.ts";
import type { Settings } from "./settings.ts";
import type { Strays } from "./strays.ts";
import type { Context } from "./task.ts";
import type { WorkerPool } from "./worker.ts";

/** What all tasks of a run share. */
export interface Workshop {
  readonly root: string;
  readonly settings: Settings;
  /** Id of the run; starts the cookie of every process. */
  readonly run: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What of it every task gets. */
  readonly passedEnv: Readonly<Record<string, string>>;
  /** Starts short commands fast. Absent: there are too few of them. */
  readonly pool?: WorkerPool | undefined;
  readonly secrets: Secrets;
  readonly hooks: Hooks;
  readonly emit: (event: EventBody) => void;
  /** Tells what an action writes by itself. Absent: that stays where it is written. */
  readonly overhear?: Strays["overhear"] | undefined;
  readonly memo: FileMemo;
  /** The commit that the run publishes from, asked for once. Undefined: there is none. */
  readonly findSource: () => Promise<Commit | undefined>;
  /** Waits until the validations of the run have succeeded; the task's slot is free meanwhile. */
  readonly barrier: (task: string) => Promise<void>;
  /** Waits for something while the task's slot is free for others. */
  readonly away: <T>(wait: () => Promise<T>) => Promise<T>;
  /** Hands job slots to programs that start jobs of their own. */
  readonly handOn: Share["handOn"];
  /** Milliseconds between TERM and KILL. */
  readonly graceMs: number;
  readonly isDryRun: boolean;
  /** Trees of the tasks that run now, for whoever must end them at once. */
  readonly trees: Set<ProcessTree>;
}

/** One task that has been decided to run. */
export interface Work extends Job {
  readonly inputs: readonly string[];
  /** Results of the needs by name. */
  readonly needs: Readonly<Record<string, unknown>>;
  readonly rest: readonly string[];
  readonly outcomes: Readonly<Record<string, Outcome>>;
  /** Result of the last success. */
  readonly previous?: unknown;
  readonly reasons: readonly string[];
  readonly slot: number;
}

/** The place where one try of a task works. */
export interface Bench {
  readonly context: Context;
  readonly shell: TaskShell;
  /** Commands that the action has left running, and nothing that it deferred could end. */
  readonly settle: () => Promise<readonly string[]>;
  readonly cleanUp: (succeeded: boolean) => Promise<void>;
}

export function createBench(
  work: Work,
  workshop: Workshop,
  own: { tree: ProcessTree; signal: AbortSignal; attempt: number },
): Bench {
  const { node, key } = work;
  const { root, secrets, emit, hooks } = workshop;
  const env = {
    ...workshop.passedEnv,
    ...taskEnvironment(node, workshop.env),
    BT_TASK: node.id,
    BT_TASK_KEY: key,
    ...nestedEnvironment(workshop.env, root, node.id),
    [cookieName]: own.tree.cookie,
  };
  const cwd = path.resolve(root, node.task.cwd ?? ".");
  const say = (stream: "stdout" | "stderr" | "command" | "info" | "warn", text: string): void =>
    emit({ kind: "task-output", task: node.id, stream, text });
  const shell = createShell({
    task: node.id,
    tree: own.tree,
    root,
    cwd,
    env,
    secrets,
    graceMs: workshop.graceMs,
    hasConsole: hasConsole(node),
    consoleOutput: workshop.overhear === undefined ? "inherit" : 2,
    isDryRun: workshop.isDryRun,
    ...(workshop.pool === undefined ? {} : { pool: workshop.pool }),
    say,
    handOn: (command) => workshop.handOn(command, node.task.jobserver ?? "auto"),
    rewrite: (command) => (hooks.command.isUsed() ? hooks.command.call(command, node) : command),
  });
  let hasDeferred = false;
  const cleanups: ((succeeded: boolean) => unknown)[] = [];
  const context: Context = {
    get $() {
      return shell.load();
    },
    name: node.id,
    params: Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, value])),
    needs: work.needs,
    cell: node.cell,
    inputs: work.inputs,
    outputs: node.outputs,
    rest: work.rest,
    exec: shell.exec,
    log: {
      info: (text) => say("info", secrets.hide(text)),
      warn: (text) => say("warn", secrets.hide(text)),
      step: (text) => emit({ kind: "task-step", task: node.id, text: secrets.hide(text) }),
    },
    env,
    settings: workshop.settings,
    root,
    cwd,
    signal: own.signal,
    key,
    attempt: own.attempt,
    isDryRun: workshop.isDryRun,
    outcomes: work.outcomes,
    ...(work.previous === undefined ? {} : { previous: work.previous }),
    tempDir: async () => {
      const folder = await mkdtemp(path.join(os.tmpdir(), "bt-"));
      cleanups.push(() => removePath(folder));
      return folder;
    },
    defer: (cleanup) => {
      hasDeferred = true;
      cleanups.push(cleanup);
    },
    hide: secrets.add,
    publishing: async (references) => {
      await workshop.barrier(node.id);
      const source = await workshop.findSource();
      if (source?.isDirty === true) emit({ kind: "warning", task: node.id, ...unclean(node.id, source.id) });
      if (hooks.publish.isUsed()) await hooks.publish.promise(references, node);
    },
  };
  const cleanUp = async (succeeded: boolean): Promise<void> => {
    for (const cleanup of cleanups.toReversed()) {
      try {
        await cleanup(succeeded);
      } catch (error) {
        emit({ kind: "warning", task: node.id, text: `A deferred cleanup failed: ${secrets.hide(messageOf(error))}` });
      }
    }
  };
  const settle: Bench["settle"] = async () => (hasDeferred ? [] : await shell.settle());
  return { context, shell, settle, cleanUp };
}

/** What is published from it cannot be made again from its commit. */
function unclean(task: string, commit: string): { readonly text: string; readonly fix: string } {
  return {
    text: `"${task}" publishes what is not at commit ${commit.slice(0, 12)}: files have changed since`,
    fix: "Commit first, so that others can make it again.",
  };
}

/** Whether the terminal belongs to a task. */
export function hasConsole({ task }: Node): boolean {
  return [task.pool ?? []].flat().includes("console");
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
