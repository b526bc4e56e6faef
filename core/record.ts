/** What happened in one run, and the log of each task: a tap on `event`. Does not know how it is shown. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Event, Failure, Outcome, Reporter } from "./event.ts";
import type { Selection } from "./catalog.ts";
import type { Commit } from "./commit.ts";
import { fileNameOf, findText, makeFolder, replaceFile, writeAll } from "./files.ts";
import { removePath } from "./remove.ts";
import { listRuns } from "./runs.ts";

/** One task of a past run. */
export interface RecordedTask {
  readonly outcome?: Outcome;
  readonly reasons?: readonly string[];
  readonly startedMs?: number;
  readonly durationMs?: number;
  readonly attempts?: number;
  /** Hex SHA-256 of all that its result depends on. */
  readonly key?: string;
  /** What it started, masked; the first ones. */
  readonly commands?: readonly string[];
  readonly failure?: Failure;
  /** The task because of which it did not run. */
  readonly blockedBy?: string;
  /** 124 if it was out of time, as timeout(1) says that. */
  readonly exitCode?: 124;
  /** Relative to the root. */
  readonly log?: string;
}

/** What a run was asked for, and by which bt: enough to ask for the same again. Secrets are masked. */
export interface RunFacts {
  /** Words after `bt`, for people. */
  readonly command: string;
  readonly selection: Selection;
  /** Words after `--`. */
  readonly rest: readonly string[];
  /** Task to variable to value, as far as a value came from outside of the builderfile; secrets are left out. */
  readonly params: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Versions of bt and Node. */
  readonly versions: { readonly bt: string; readonly node: string };
}

/** `run.json` of a past run. A run that was killed has no `exitCode`; one of an older bt has no facts. */
export interface RunRecord extends Partial<RunFacts> {
  readonly id: string;
  readonly version: 1;
  readonly targets: readonly string[];
  /** Absent: the project is in no git checkout, or git took too long. */
  readonly commit?: Commit;
  readonly startedMs: number;
  readonly durationMs?: number;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly tasks: Readonly<Record<string, RecordedTask>>;
}

/** How many runs are kept, and of a task how many commands. */
const keptRuns = 20;
const keptCommands = 20;

/** Id of a run: sorts by time, to the millisecond: numbers of processes begin anew, and a watching bt keeps its own. */
export function createRunId(now: Date): string {
  const time = now.toISOString().replaceAll(/[-:Z]/g, "").replace(".", "-");
  return `${time}-${process.pid}`;
}

/** Where the log of a task goes, relative to the root. */
export function logPath(run: string, task: string): string {
  return path.join(".bt", "runs", run, `${fileNameOf(task)}.log`);
}

interface Logs {
  /** Open files by task. */
  readonly logs: Map<string, number>;
  /** What was started by tasks that have printed nothing yet. */
  readonly commands: Map<string, string>;
}

/**
 * Writes the logs as they come, `events.ndjson` in batches, and `run.json` at the start and at the end.
 * @param commit what the project's files are of; waited for only at the end
 */
export function createRecorder(
  root: string,
  run: string,
  { facts, commit }: { readonly facts: RunFacts; readonly commit: () => Promise<Commit | undefined> },
): Reporter {
  const folder = path.join(root, ".bt", "runs", run);
  const files: Logs = { logs: new Map(), commands: new Map() };
  const tasks: Record<string, RecordedTask> = {};
  const started = new Map<string, string[]>();
  let head: Omit<RunRecord, "tasks"> = { id: run, version: 1, ...facts, targets: [], startedMs: 0 };
  let journal: number | undefined;
  let lines = "";
  let lost: { readonly error: unknown } | undefined;
  const flush = (): void => {
    if (lines === "" || journal === undefined) return;
    writeAll(journal, lines);
    lines = "";
  };
  /** A full disk costs logs and events, not what is known at the end: by then there may be room. */
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      if (journal === undefined) throw error; // There is nothing to write to.
      lost ??= { error };
    }
  };
  const writeHead = (): void =>
    replaceFile(path.join(folder, "run.json"), JSON.stringify({ ...head, tasks }, undefined, 1));
  const note = (task: string, facts: RecordedTask): void => void (tasks[task] = { ...tasks[task], ...facts });
  const take = (event: Event): void => {
    switch (event.kind) {
      case "run-started":
        head = { ...head, targets: event.targets, startedMs: event.atMs };
        makeFolder(folder);
        journal = fs.openSync(path.join(folder, "events.ndjson"), "a");
        writeHead();
        return;
      case "task-output":
        if (lost === undefined) appendLog(root, run, files, event);
        if (event.stream === "command") noteCommand(started, event.task, event.text);
        return;
      case "task-state":
        if (event.state === "running")
          note(event.task, { reasons: event.reasons, startedMs: event.atMs, attempts: event.attempt });
        if (event.state === "done") {
          const { outcome, durationMs, failure, blockedBy, log, key } = event;
          note(event.task, {
            outcome,
            durationMs,
            ...(key === undefined ? {} : { key }),
            ...(started.has(event.task) ? { commands: started.get(event.task) ?? [] } : {}),
            ...(failure === undefined ? {} : { failure }),
            ...(blockedBy === undefined ? {} : { blockedBy }),
            ...(outcome === "timed-out" ? { exitCode: 124 } : {}),
            ...(log === undefined ? {} : { log }),
          });
          closeLog(files, event.task);
          started.delete(event.task);
        }
        return;
      case "run-finished":
        head = {
          ...head,
          durationMs: event.durationMs,
          exitCode: event.exitCode,
          ...(event.signal === undefined ? {} : { signal: event.signal }),
        };
        return;
      case "graph-ready":
      case "task-step":
      case "warning":
        return;
    }
  };
  return {
    event(event) {
      attempt(() => take(event));
      if (
        event.kind === "task-output" ||
        (event.kind === "task-state" && event.state !== "running" && event.state !== "done")
      )
        return;
      if (lost !== undefined) return;
      if (lines === "") setImmediate(() => attempt(flush));
      lines += `${JSON.stringify(event)}\n`;
    },
    async end() {
      if (lost === undefined) attempt(flush);
      for (const task of files.logs.keys()) closeLog(files, task);
      if (journal === undefined) return;
      fs.closeSync(journal);
      const found = await commit();
      if (found !== undefined) head = { ...head, commit: found };
      writeHead();
      for (const old of listRuns(root).slice(keptRuns)) removePath(path.join(root, ".bt", "runs", old));
      if (lost !== undefined) throw lost.error;
    },
  };
}

function noteCommand(started: Map<string, string[]>, task: string, text: string): void {
  const commands = started.get(task);
  if (commands === undefined) started.set(task, [text]);
  else if (commands.length < keptCommands) commands.push(text);
}

/** The log starts with the first thing a task prints: a command that prints nothing leaves none. */
function appendLog(
  root: string,
  run: string,
  { logs, commands }: Logs,
  event: Extract<Event, { kind: "task-output" }>,
): void {
  const { task, stream, text } = event;
  const descriptor = logs.get(task);
  if (descriptor === undefined && stream === "command") {
    commands.set(task, `${commands.get(task) ?? ""}$ ${text}\n`);
    return;
  }
  const opened = descriptor ?? fs.openSync(path.join(root, logPath(run, task)), "a");
  logs.set(task, opened);
  const before = commands.get(task) ?? "";
  commands.delete(task);
  writeAll(opened, `${before}${stream === "command" ? "$ " : stream === "warn" ? "warning: " : ""}${text}\n`);
}

function closeLog({ logs, commands }: Logs, task: string): void {
  commands.delete(task);
  const descriptor = logs.get(task);
  if (descriptor !== undefined) fs.closeSync(descriptor);
  logs.delete(task);
}

/** The record of a past run. Undefined: there is none, or it is damaged. */
export function findRun(root: string, run: string): RunRecord | undefined {
  const text = findText(path.join(root, ".bt", "runs", run, "run.json"));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as RunRecord); // Written whole by the recorder.
  } catch {
    return undefined;
  }
}
