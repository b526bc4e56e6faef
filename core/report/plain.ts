/** Shows a run as plain text, the reference of all reporters. Moves no cursor; does not know files or terminals. */
import type { Event, Reporter } from "../event.ts";
import { noPaint, type Paint } from "../paint.ts";
import { createBlock, renderBlock, type Block } from "./block.ts";
import { renderWarning } from "./failure.ts";
import {
  findOnlyTarget,
  renderDone,
  renderOutput,
  renderPlanned,
  renderStart,
  type OutputEvent,
  type RunningEvent,
} from "./line.ts";
import { createSummary, type DoneEvent } from "./summary.ts";

/** `grouped` one block per task when it is done (an only target as it comes) · `prefixed` each line with its task · `stream` lines as they come · `none` no output, only how tasks ended. */
export type PlainMode = "grouped" | "prefixed" | "stream" | "none";

export interface PlainOptions {
  readonly write: (text: string) => void;
  readonly mode: PlainMode;
  /** Only failures and warnings. Default: false. */
  readonly quiet?: boolean;
  /** Whether it is said that there was nothing to do. Default: said. */
  readonly idle?: "said" | "silent";
  /** Default: no colours. */
  readonly paint?: Paint;
}

/** What is known of a task between its start and its end. */
interface Open {
  readonly block: Block;
  reasons: readonly string[];
}

export function createPlainReporter(options: PlainOptions): Reporter {
  const { write, mode, quiet = false, idle = "said", paint = noPaint } = options;
  const summary = createSummary();
  const opened = new Map<string, Open>();
  let isDry = false;
  let target: string | undefined;
  const hidesOutput = quiet || mode === "none";
  // Nothing runs beside an only target: its lines need not wait for its end.
  const isGrouped = (task: string): boolean => isDry || mode === "none" || (mode === "grouped" && task !== target);

  function open(task: string): Open {
    const found = opened.get(task);
    if (found !== undefined) return found;
    opened.set(task, { block: createBlock(isGrouped(task) ? undefined : 200), reasons: [] });
    return open(task);
  }

  function start(event: RunningEvent): void {
    open(event.task).reasons = event.reasons;
    if (!isGrouped(event.task) && !quiet) write(`${renderStart(event, paint)}\n`);
    else if (event.attempt > 1 && !hidesOutput) open(event.task).block.add(paint.dim(`try ${event.attempt}`));
  }

  function output(event: OutputEvent): void {
    if (hidesOutput && event.stream === "warn") write(renderWarning({ text: event.text, task: event.task }, paint));
    if (hidesOutput) return;
    const text = renderOutput(event, paint);
    open(event.task).block.add(text);
    if (isGrouped(event.task)) return;
    const prefix = mode === "prefixed" ? paint.dim(`${event.task} | `) : "";
    write(`${text.replaceAll(/^/gm, () => prefix)}\n`);
  }

  function done(event: DoneEvent): void {
    const { block, reasons } = opened.get(event.task) ?? { block: createBlock(), reasons: [] };
    opened.delete(event.task);
    summary.add(event, block.lines());
    if (quiet) return;
    const isBlock = isGrouped(event.task);
    if (!isBlock && event.outcome === "ran") return;
    const head = isDry ? renderPlanned(event, reasons, paint) : renderDone(event, reasons, paint);
    if (head !== undefined) write(`${head}\n${isBlock ? renderBlock(block, event.log, isDry ? "  " : "") : ""}`);
  }

  return {
    event(event: Event) {
      switch (event.kind) {
        case "run-started":
          isDry = event.dryRun;
          target = findOnlyTarget(event.targets);
          return;
        case "task-state":
          if (event.state === "running") start(event);
          else if (event.state === "done") done(event);
          return;
        case "task-output":
          return output(event);
        case "warning":
          return write(renderWarning(event, paint));
        case "run-finished":
          return write(
            summary.render(event, { quiet, dryRun: isDry, idle, paint, details: mode === "none" ? "logged" : "shown" }),
          );
        case "graph-ready":
        case "task-step":
          return;
      }
    },
  };
}
