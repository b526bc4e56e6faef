/** Follows a run event by event and keeps the page up to date, on either side of the wire. Does not know where events come from. */
import type { Event } from "../../event.ts";
import type { Page, PageTask } from "./model.ts";

/** How much output of one task is kept while it is followed. Characters. */
export const keptLog = 262_144;
/** How many commands of a task are kept. */
const keptCommands = 50;

export interface FollowOptions {
  /** Whether output is kept; otherwise the log is read later. Default: dropped. */
  readonly output?: "kept" | "dropped";
}

/** A page that follows. */
export interface Follower {
  readonly page: Page;
  /** Takes an event; returns the tasks that look different now. */
  readonly event: (event: Event) => readonly string[];
}

/** Nothing has happened yet. */
export function createPage(): Page {
  return { run: { id: "", targets: [], startedMs: 0 }, tasks: [], warnings: [] };
}

export function createFollower(page: Page, { output = "dropped" }: FollowOptions = {}): Follower {
  const tasks = new Map(page.tasks.map((task) => [task.task, task]));
  const change = (id: string, act: (task: PageTask) => void): readonly string[] => {
    const task = tasks.get(id);
    if (task === undefined) return [];
    act(task);
    return [id];
  };
  const follow = (event: Event): readonly string[] => {
    const { run } = page;
    switch (event.kind) {
      case "run-started":
        Object.assign(run, { id: event.run, targets: event.targets, startedMs: event.atMs, jobs: event.jobs });
        if (event.dryRun) run.dryRun = true;
        return [];
      case "graph-ready":
        page.tasks = event.tasks.map((outline) => ({
          ...outline,
          state: "waiting",
          reasons: [],
          spans: [],
          commands: [],
        }));
        for (const task of page.tasks) tasks.set(task.task, task);
        return [...tasks.keys()];
      case "task-state":
        return change(event.task, (task) =>
          run.dryRun === true ? takePlan(task, event) : takeState(task, event, event.atMs - run.startedMs),
        );
      case "task-output":
        return change(event.task, (task) => takeOutput(task, event, output));
      case "task-step":
        return [];
      case "warning": {
        const { text, fix, task } = event;
        page.warnings.push({
          text,
          ...(fix === undefined ? {} : { fix }),
          ...(task === undefined ? {} : { task }),
        });
        return [];
      }
      case "run-finished": {
        const { exitCode, counts, durationMs, signal } = event;
        Object.assign(run, { exitCode, counts, durationMs, ...(signal === undefined ? {} : { signal }) });
        return [];
      }
    }
  };
  return { page, event: follow };
}

/** What would run goes on waiting, with its reasons: it took no time, and came to nothing. */
function takePlan(task: PageTask, event: Extract<Event, { kind: "task-state" }>): void {
  if (event.state === "running") task.reasons = event.reasons;
  if (event.state !== "done" || event.outcome === "ran" || event.outcome === "restored") return;
  const { outcome, failure } = event;
  Object.assign(task, { state: event.state, outcome, ...(failure === undefined ? {} : { failure }) });
}

function takeState(task: PageTask, event: Extract<Event, { kind: "task-state" }>, atMs: number): void {
  task.state = event.state;
  if (event.state === "running") {
    endSpan(task, atMs);
    task.reasons = event.reasons;
    task.spans.push({ startMs: atMs, slot: event.slot });
  }
  if (event.state !== "done") return;
  const { outcome, durationMs, failure, flaky, allowed, blockedBy, slot, log, key } = event;
  endSpan(task, atMs);
  // What a cache gave back was never said to run.
  if (task.spans.length === 0 && slot !== undefined && durationMs > 0)
    task.spans.push({ startMs: Math.max(0, atMs - durationMs), endMs: atMs, slot });
  Object.assign(task, {
    outcome,
    durationMs,
    ...(failure === undefined ? {} : { failure }),
    ...(flaky === undefined ? {} : { flaky }),
    ...(allowed === undefined ? {} : { allowed }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
    ...(log === undefined ? {} : { logFile: log }),
    ...(key === undefined ? {} : { key }),
  });
}

function endSpan({ spans }: PageTask, atMs: number): void {
  const last = spans.at(-1);
  if (last !== undefined) last.endMs ??= atMs;
}

function takeOutput(
  task: PageTask,
  { stream, text }: Extract<Event, { kind: "task-output" }>,
  output: "kept" | "dropped",
): void {
  if (stream === "command" && task.commands.length < keptCommands) task.commands.push(text);
  if (output === "dropped") return;
  const mark = stream === "command" ? "$ " : stream === "warn" ? "warning: " : "";
  const whole = `${task.log ?? ""}${mark}${text}\n`;
  // Cut at twice the size only: otherwise every line of a long log would copy it.
  if (whole.length <= keptLog * 2) task.log = whole;
  else {
    const from = whole.indexOf("\n", whole.length - keptLog) + 1;
    task.log = whole.slice(from);
    task.logCut = (task.logCut ?? 0) + from;
  }
}
