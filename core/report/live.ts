/** Shows a run live: a window of what happens now, above it what stays. Does not know how a terminal is driven. */
import type { Event, Reporter } from "../event.ts";
import { noPaint, type Paint } from "../paint.ts";
import { createBlock, type Block } from "./block.ts";
import { renderWarning } from "./failure.ts";
import { findOnlyTarget, renderDone, renderOutput, renderStart, type OutputEvent, type RunningEvent } from "./line.ts";
import { createProgress } from "./progress.ts";
import { createSummary, isFailure, type DoneEvent, type FinishedEvent } from "./summary.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { renderWindow } from "./window.ts";

export interface LiveOptions {
  /** Takes what is shown while there is no window. */
  readonly write: (text: string) => void;
  /** Holds the window. Whatever else is written to these two while it is up appears above it. */
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Default: no colours. */
  readonly paint?: Paint;
  /** Whose output stays on the screen: of tasks that failed, also of those asked for by name, or of all. Default: targets. */
  readonly show?: "failures" | "targets" | "all";
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Calls `tick` again and again until the returned function is called. */
  readonly every?: (ms: number, tick: () => Promise<void>) => () => void;
}

/** Ten frames a second. The first comes after one of these, so a short run never shows a window nor loads listr2. */
const frameMs = 100;
/** Lines of a failed task's output; all is in its log. */
const failedLines = 30;

export function createLiveReporter(options: LiveOptions): Reporter {
  const { write, paint = noPaint, show = "targets", now = Date.now, every = repeat } = options;
  const progress = createProgress();
  const summary = createSummary();
  const blocks = new Map<string, Block>();
  const reasons = new Map<string, readonly string[]>();
  const groups = new Map<string, string>();
  /** Tasks that have the terminal to themselves: no window meanwhile. */
  const owners = new Set<string>();
  let targets = new Set<string>();
  let only: string | undefined;
  let terminal: Terminal | undefined;
  let isLoading = false;
  let isClosed = false;
  let stop = (): void => {};

  const print = (text: string): void => (terminal === undefined ? write(text) : terminal.print(text));

  async function tick(): Promise<void> {
    if (terminal === undefined && !isLoading && !progress.isIdle() && owners.size === 0) {
      isLoading = true;
      const opened = await openTerminal({ stdout: options.stdout, stderr: options.stderr, now });
      isLoading = false;
      // The run may have ended meanwhile, or given the terminal to a task.
      if (isClosed || owners.size > 0) opened.close();
      else terminal = opened;
    }
    terminal?.draw((size, spinner) =>
      renderWindow(progress.snapshot(now()), { ...size, spinner, nowMs: now(), paint }),
    );
  }

  function start(event: RunningEvent): void {
    reasons.set(event.task, event.reasons);
    if (event.task === only) print(`${renderStart(event, paint)}\n`);
    if (!("console" in event) || event.console !== true) return;
    owners.add(event.task);
    closeWindow();
  }

  /** Lines meant for the reader stay at once, and so do all of an only target; the others wait for the end of their task. */
  function output(event: OutputEvent): void {
    const text = renderOutput(event, paint);
    if (event.task === only) {
      print(`${text}\n`);
      return keep(event.task, text);
    }
    if (event.stream === "info" || event.stream === "warn")
      return print(`${text.replaceAll(/^/gm, () => `${paint.dim(`${event.task} |`)} `)}\n`);
    keep(event.task, text);
  }

  function keep(task: string, text: string): void {
    const block = blocks.get(task) ?? createBlock(isShown(task) && task !== only ? undefined : failedLines);
    blocks.set(task, block);
    block.add(text);
  }

  function isShown(task: string): boolean {
    const group = groups.get(task);
    return show === "all" || (show === "targets" && (targets.has(task) || (group !== undefined && targets.has(group))));
  }

  function done(event: DoneEvent): void {
    const { task, log } = event;
    const lines = blocks.get(task)?.lines() ?? [];
    const shown = isFailure(event) ? lines.slice(-failedLines) : lines;
    const hidden = lines.length - shown.length + (blocks.get(task)?.dropped() ?? 0);
    blocks.delete(task);
    owners.delete(task);
    summary.add(event, shown);
    const head = renderDone(event, reasons.get(task) ?? [], paint);
    if (task === only) return event.outcome === "ran" || head === undefined ? undefined : print(`${head}\n`);
    if (!isFailure(event) && (shown.length === 0 || !isShown(task))) return;
    const more =
      hidden === 0 ? "" : paint.dim(`(${hidden} lines before${log === undefined ? "" : `, all in ${log}`})\n`);
    print(`${head ?? task}\n${more}${shown.map((line) => `${line}\n`).join("")}`);
  }

  function finish(event: FinishedEvent): void {
    close();
    write(summary.render(event, { paint }));
  }

  function close(): void {
    isClosed = true;
    stop();
    closeWindow();
  }

  function closeWindow(): void {
    terminal?.close();
    terminal = undefined;
  }

  return {
    event(event: Event) {
      // What stays on the screen need not stand in the window as well.
      if (event.kind !== "task-output" || event.task !== only) progress.event(event);
      switch (event.kind) {
        case "run-started":
          targets = new Set(event.targets);
          if (show !== "failures") only = findOnlyTarget(event.targets);
          stop = every(frameMs, tick);
          return;
        case "graph-ready":
          for (const { task, group } of event.tasks) if (group !== undefined) groups.set(task, group);
          return;
        case "task-state":
          if (event.state === "running") start(event);
          else if (event.state === "done") done(event);
          return;
        case "task-output":
          return output(event);
        case "task-step":
          return;
        case "warning":
          return print(renderWarning(event, paint));
        case "run-finished":
          return finish(event);
      }
    },
    end: close,
  };
}

function repeat(ms: number, tick: () => Promise<void>): () => void {
  // A view that breaks ends itself, not the run.
  const timer = setInterval(() => void tick().catch(() => clearInterval(timer)), ms).unref();
  return () => clearInterval(timer);
}
