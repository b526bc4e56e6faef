/** How outcomes, times and lengths of time are said and marked. Pure. */
import type { Outcome } from "../../../event.ts";
import { renderDuration } from "../../duration.ts";
import type { PageTask, RunFacts } from "../model.ts";

/** Where a task stands, for people: an outcome, or what comes before one; `planned` is one that nothing has started. */
export type Standing = Outcome | "running" | "waiting" | "planned" | "unfinished";

interface Look {
  readonly text: string;
  /** Tells it without colour. */
  readonly mark: string;
}

const looks: Readonly<Record<Standing, Look>> = {
  ran: { text: "ran", mark: "✔" },
  fresh: { text: "up to date", mark: "=" },
  restored: { text: "restored", mark: "↺" },
  skipped: { text: "skipped", mark: "–" },
  group: { text: "group", mark: "▤" },
  failed: { text: "failed", mark: "✖" },
  "timed-out": { text: "timed out", mark: "⏱" },
  cancelled: { text: "cancelled", mark: "⊘" },
  blocked: { text: "blocked", mark: "⊝" },
  running: { text: "running", mark: "▸" },
  waiting: { text: "waiting", mark: "·" },
  planned: { text: "to run", mark: "▹" },
  unfinished: { text: "not finished", mark: "?" },
};

/** In the order in which they are shown. */
export const standings: readonly Standing[] = [
  "failed",
  "timed-out",
  "blocked",
  "cancelled",
  "running",
  "unfinished",
  "planned",
  "ran",
  "restored",
  "fresh",
  "skipped",
  "waiting",
  "group",
];

export function look(standing: Standing): Look {
  return looks[standing];
}

/** `isOver`: nothing more will happen, so what has not ended never will. */
export function standingOf({ outcome, state }: PageTask, isOver: boolean): Standing {
  if (outcome !== undefined) return outcome;
  if (isOver) return state === "waiting" || state === "ready" ? "planned" : "unfinished";
  return state === "running" || state === "deciding" ? "running" : "waiting";
}

/** Of a failure, allowed or not. */
export function isBad(standing: Standing): boolean {
  return standing === "failed" || standing === "timed-out";
}

/** `+1.2 s`, `−3 ms`, `±0`. */
export function renderDifference(ms: number): string {
  if (Math.round(ms) === 0) return "±0";
  return `${ms > 0 ? "+" : "−"}${renderDuration(Math.abs(ms))}`;
}

/** Day and time as the reader's language writes them. */
export function renderDate(ms: number): string {
  return new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function countOf(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString()} ${count === 1 ? one : more}`;
}

/** Whether the page tells what would happen. */
export function isPlanned({ isPlan, dryRun }: RunFacts): boolean {
  return isPlan === true || dryRun === true;
}

/** How the run ended, in two words, and whether that is good. */
export function verdictOf(run: RunFacts, isOver: boolean): { readonly text: string; readonly kind: Standing } {
  if (!isOver) return { text: "Running", kind: "running" };
  if (run.isPlan === true) return { text: "Graph", kind: "planned" };
  if (run.dryRun === true) return { text: "Dry run", kind: "planned" };
  if (run.signal !== undefined) return { text: `Ended by ${run.signal}`, kind: "cancelled" };
  if (run.exitCode === undefined) return { text: "Did not end", kind: "cancelled" };
  return run.exitCode === 0
    ? { text: "Succeeded", kind: "ran" }
    : { text: `Failed, exit code ${run.exitCode}`, kind: "failed" };
}

export { renderDuration };
