/** The end of a run in words: every failure once, then the counts. Does not know how the run was shown. */
import type { Counts, Event, Failure, Outcome } from "../event.ts";
import { noPaint, type Paint } from "../paint.ts";
import { findBlocked } from "./blocked.ts";
import { renderDuration } from "./duration.ts";
import { renderFailure, renderNames } from "./failure.ts";

export type DoneEvent = Extract<Event, { readonly state: "done" }>;
export type FinishedEvent = Extract<Event, { readonly kind: "run-finished" }>;

/** A task that failed, with what to say about it. */
export interface Ending {
  readonly task: string;
  readonly failure: Failure;
  readonly durationMs: number;
  readonly allowed: boolean;
  readonly log?: string;
}

/** Collects what the end of the run will tell. */
export interface Summary {
  /** `printed` are lines of the task's output that the reader has seen; they are not repeated. */
  readonly add: (event: DoneEvent, printed?: readonly string[]) => void;
  /** The failures in the order in which they happened. */
  readonly endings: () => readonly Ending[];
  /** Tasks that did not run because `task` failed, sorted. */
  readonly blocked: (task: string) => readonly string[];
  readonly render: (finished: FinishedEvent, options?: SummaryOptions) => string;
}

interface SummaryOptions {
  /** Failures only. Default: false. */
  readonly quiet?: boolean;
  /** Says what would happen. Default: false. */
  readonly dryRun?: boolean;
  /** Whether it is said that there was nothing to do; below make it is not. Default: said. */
  readonly idle?: "said" | "silent";
  /** What failures say beside their problem: shown, or left to the log where there is one, for it may be output. Default: shown. */
  readonly details?: "shown" | "logged";
  /** Default: no colours. */
  readonly paint?: Paint;
}

export function createSummary(): Summary {
  const endings: Ending[] = [];
  const flaky: string[] = [];
  const blockedBy = new Map<string, string[]>();
  const blocked = (task: string): readonly string[] => findBlocked(task, blockedBy);
  return {
    add(event, printed = []) {
      if (event.blockedBy !== undefined) {
        const others = blockedBy.get(event.blockedBy);
        if (others === undefined) blockedBy.set(event.blockedBy, [event.task]);
        else others.push(event.task);
      }
      if (event.flaky === true) flaky.push(event.task);
      if (isFailure(event)) endings.push(createEnding(event, new Set(printed)));
    },
    endings: () => endings,
    blocked,
    render(finished, options = {}) {
      const { paint = noPaint, quiet = false, dryRun = false, idle = "said", details = "shown" } = options;
      const failures = endings.map(({ failure: { detail = [], ...failure }, task, log, allowed }) =>
        renderFailure(
          details === "logged" && log !== undefined ? failure : { ...failure, detail },
          { task, allowed, blocked: blocked(task), ...(log === undefined ? {} : { log }) },
          paint,
        ),
      );
      if (quiet) return failures.join("");
      const shaky =
        flaky.length === 0
          ? ""
          : `${paint.warn("bt:")} Flaky, a first try failed: ${renderNames([...flaky].sort(), 20)}\n`;
      const closing =
        idle === "silent" && isIdle(finished) ? "" : renderClosing(finished, dryRun ? "would" : "did", paint);
      return `${failures.join("")}${shaky}${closing}`;
    },
  };
}

/** Whether a task ended in a way that somebody has to look at. */
export function isFailure(event: DoneEvent): boolean {
  return event.outcome === "failed" || event.outcome === "timed-out";
}

function createEnding(event: DoneEvent, printed: ReadonlySet<string>): Ending {
  const { task, durationMs, log, allowed = false } = event;
  const failure = event.failure ?? {
    code: "FAILED",
    problem: `Task "${task}" ${event.outcome === "timed-out" ? "ran out of time" : "failed"}`,
    exitCode: 1,
  };
  const { detail = [], ...rest } = failure;
  const isNew = detail.some((line) => !printed.has(line));
  return { task, durationMs, allowed, failure: isNew ? failure : rest, ...(log === undefined ? {} : { log }) };
}

function isIdle({ exitCode, counts, signal }: FinishedEvent): boolean {
  const { fresh: _, skipped: __, group: ___, ...others } = counts;
  return exitCode === 0 && signal === undefined && Object.values(others).every((count) => count === 0);
}

function renderClosing(finished: FinishedEvent, mood: "did" | "would", paint: Paint): string {
  const { counts, durationMs, signal } = finished;
  const isBad = finished.exitCode !== 0 && mood === "did";
  const head = (isBad ? paint.bad : paint.good)("bt:");
  if (signal !== undefined)
    return `${head} Interrupted by ${signal}: ${renderCounts(counts, mood) || "nothing ran"} in ${renderDuration(durationMs)}\n`;
  const { fresh = 0, skipped = 0, ...others } = counts;
  if (isBad || Object.entries(others).some(([outcome, count]) => outcome !== "group" && count > 0)) {
    const words = renderCounts(counts, mood) || "Nothing ran";
    return `${head} ${mood === "did" ? `${words} in ${renderDuration(durationMs)}` : words}\n`;
  }
  const idle = [
    fresh === 0 ? "" : fresh === 1 ? "1 task is up to date" : `${fresh} tasks are up to date`,
    skipped === 0 ? "" : `${skipped} skipped`,
  ];
  return `${head} Nothing to do${idle.some(Boolean) ? `: ${idle.filter(Boolean).join(", ")}` : ""}\n`;
}

/** In the order in which the counts are told. */
const words: readonly (readonly [outcome: Outcome, did: string, would: string])[] = [
  ["ran", "ran", "would run"],
  ["restored", "restored", "would be restored"],
  ["fresh", "up to date", "up to date"],
  ["skipped", "skipped", "skipped"],
  ["failed", "failed", "would fail"],
  ["timed-out", "timed out", "would time out"],
  ["cancelled", "cancelled", "cancelled"],
  ["blocked", "blocked", "blocked"],
];

/** `3 ran, 12 up to date, 1 failed`; empty when nothing is counted. */
export function renderCounts(counts: Counts, mood: "did" | "would" = "did"): string {
  return words
    .flatMap(([outcome, did, would]) => (counts[outcome] ? [`${counts[outcome]} ${mood === "did" ? did : would}`] : []))
    .join(", ");
}
