/** How far a run is: what runs now, the counts, and the time left. Does not know how it is drawn; is told the time. */
import type { Event, Outcome, TaskOutline } from "../event.ts";
import { isFailure } from "./summary.ts";

/** A task that runs now. */
export interface Running {
  readonly task: string;
  readonly group?: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  readonly attempt: number;
  /** What it is at, or the last line of its output; empty before there is any. */
  readonly note: string;
  /** It says itself what it is at: then its output is no note. */
  readonly hasSteps: boolean;
}

/** The run at one moment. */
export interface Snapshot {
  /** Longest running first. */
  readonly running: readonly Running[];
  /** Names, in the order in which they failed. */
  readonly failed: readonly string[];
  readonly counts: ReadonlyMap<Outcome, number>;
  /** Without groups. */
  readonly done: number;
  readonly total: number;
  /** Absent: no run has started. */
  readonly startMs?: number;
  /** Absent: too little is known. */
  readonly leftMs?: number;
}

export interface Progress {
  readonly event: (event: Event) => void;
  readonly isIdle: () => boolean;
  readonly snapshot: (nowMs: number) => Snapshot;
}

/** Of earlier durations: all that is still expected, and of what is done the earlier and the present durations. */
interface History {
  expectedMs: number;
  doneMs: number;
  tookMs: number;
}

export function createProgress(): Progress {
  const outlines = new Map<string, TaskOutline>();
  const running = new Map<string, Running>();
  const failed: string[] = [];
  const counts = new Map<Outcome, number>();
  const history: History = { expectedMs: 0, doneMs: 0, tookMs: 0 };
  let total = 0;
  let startMs: number | undefined;

  function done(event: Extract<Event, { readonly state: "done" }>): void {
    const { task, outcome, durationMs } = event;
    running.delete(task);
    if (outcome === "group" || outlines.get(task)?.isGroup === true) return;
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    if (isFailure(event)) failed.push(task);
    const expectedMs = outlines.get(task)?.expectedMs ?? 0;
    history.expectedMs -= expectedMs;
    if (outcome !== "ran" || expectedMs === 0) return;
    history.doneMs += expectedMs;
    history.tookMs += durationMs;
  }

  return {
    isIdle: () => running.size === 0,
    event(event) {
      switch (event.kind) {
        case "graph-ready":
          for (const outline of event.tasks) {
            outlines.set(outline.task, outline);
            history.expectedMs += outline.expectedMs ?? 0;
          }
          total = event.tasks.filter(({ isGroup }) => isGroup !== true).length;
          return;
        case "run-started":
          startMs = event.atMs;
          return;
        case "task-state":
          if (event.state === "done") return done(event);
          if (event.state !== "running") return;
          const group = outlines.get(event.task)?.group;
          running.set(event.task, {
            task: event.task,
            sinceMs: event.atMs,
            attempt: event.attempt,
            note: "",
            hasSteps: false,
            ...(group === undefined ? {} : { group }),
          });
          return;
        case "task-output":
          const found = running.get(event.task);
          if (found !== undefined && !found.hasSteps)
            running.set(event.task, { ...found, note: event.text.slice(event.text.lastIndexOf("\n") + 1) });
          return;
        case "task-step":
          const stepping = running.get(event.task);
          if (stepping !== undefined) running.set(event.task, { ...stepping, note: event.text, hasSteps: true });
          return;
        case "warning":
        case "run-finished":
          return;
      }
    },
    snapshot(nowMs) {
      const list = [...running.values()].sort((a, b) => a.sinceMs - b.sinceMs);
      const leftMs =
        startMs === undefined
          ? undefined
          : predictLeft(history, {
              elapsedMs: nowMs - startMs,
              running: list.map((one) => ({
                ageMs: nowMs - one.sinceMs,
                expectedMs: outlines.get(one.task)?.expectedMs ?? 0,
              })),
            });
      const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
      return {
        running: list,
        failed,
        counts,
        done: all,
        total,
        ...(startMs === undefined ? {} : { startMs }),
        ...(leftMs === undefined ? {} : { leftMs }),
      };
    },
  };
}

/**
 * Time left, from how long the same tasks took before and how fast the run has been.
 * Undefined unless tasks worth 15 s and 5 % of the history are done, at a speed within ten times of it.
 */
export function predictLeft(
  history: Readonly<History>,
  now: {
    readonly elapsedMs: number;
    readonly running: readonly { readonly ageMs: number; readonly expectedMs: number }[];
  },
): number | undefined {
  const { doneMs, tookMs, expectedMs } = history;
  if (doneMs < 15_000 || doneMs < 0.05 * (doneMs + expectedMs)) return undefined;
  const ratio = tookMs / doneMs;
  if (ratio >= 10 || ratio <= 0.1) return undefined;
  const underWay = now.running.reduce((sum, one) => sum + Math.min(one.ageMs / ratio, one.expectedMs), 0);
  // Work done per elapsed time holds both the speed of this machine and how many tasks run beside each other.
  return ((expectedMs - underWay) * now.elapsedMs) / (doneMs + underWay);
}
