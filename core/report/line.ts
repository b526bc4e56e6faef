/** One line for what a task says and for how it ended. Does not know in which order lines are shown. */
import type { Event } from "../event.ts";
import { marks, type Paint } from "../paint.ts";
import { renderDuration } from "./duration.ts";
import { isFailure, type DoneEvent } from "./summary.ts";

export type OutputEvent = Extract<Event, { readonly kind: "task-output" }>;
export type RunningEvent = Extract<Event, { readonly state: "running" }>;

/** The one task that was asked for. Undefined: there are several. */
export function findOnlyTarget(targets: readonly string[]): string | undefined {
  return targets.length === 1 ? targets[0] : undefined;
}

/** Output as it is shown; may be several lines, without the last newline. */
export function renderOutput(event: OutputEvent, paint: Paint): string {
  switch (event.stream) {
    case "command":
      return paint.dim(`$ ${event.text}`);
    case "warn":
      return `${paint.warn("warning:")} ${event.text}`;
    case "stdout":
    case "stderr":
    case "info":
      return event.text;
  }
}

/** That a task starts, and why. */
export function renderStart(event: RunningEvent, paint: Paint): string {
  const attempt = event.attempt > 1 ? `, try ${event.attempt}` : "";
  return `${paint.strong(`${marks.start} ${event.task}`)}${attempt}${renderReasons(event.reasons, paint)}`;
}

/** How a task ended, and why it ran. Undefined: nothing happened that needs a line. */
export function renderDone(event: DoneEvent, reasons: readonly string[], paint: Paint): string | undefined {
  const { task } = event;
  const time = renderDuration(event.durationMs);
  const bad = (text: string): string =>
    event.allowed === true
      ? `${paint.warn(marks.warning)} ${paint.strong(task)} ${text} (allowed)`
      : `${paint.bad(marks.failed)} ${paint.strong(task)} ${text}`;
  switch (event.outcome) {
    case "ran":
      if (event.flaky === true)
        return `${paint.warn(marks.warning)} ${paint.strong(task)} in ${time}, after a failed try`;
      return `${paint.good(marks.done)} ${paint.strong(task)} in ${time}${renderReasons(reasons, paint)}`;
    case "restored":
      return `${paint.good(marks.done)} ${paint.strong(task)} restored${renderSource(event)} in ${time}`;
    case "failed":
      return bad(`failed after ${time}`);
    case "timed-out":
      return bad(`ran out of time after ${time}`);
    case "cancelled":
      // One that had not started is only counted.
      return event.durationMs === 0
        ? undefined
        : `${paint.warn(marks.failed)} ${paint.strong(task)} cancelled after ${time}`;
    case "fresh":
    case "skipped":
    case "group":
    case "blocked":
      return undefined;
  }
}

/** What a dry run says of a task, and why it would run. Undefined: nothing would happen. */
export function renderPlanned(event: DoneEvent, reasons: readonly string[], paint: Paint): string | undefined {
  if (event.outcome !== "ran" && event.outcome !== "restored" && !isFailure(event)) return undefined;
  return `${paint.strong(event.task)}${renderReasons(event.outcome === "restored" ? [`it is in cache "${event.from ?? "local"}"`] : reasons, paint)}`;
}

/** This machine's own cache goes without saying. */
function renderSource({ from }: DoneEvent): string {
  return from === undefined || from === "local" ? "" : ` from cache "${from}"`;
}

function renderReasons(reasons: readonly string[], paint: Paint): string {
  return reasons[0] === undefined ? "" : paint.dim(` (${reasons[0]})`);
}
