/** Collects a run as a Chrome trace, for chrome://tracing or Perfetto: one row per slot. Does not know where it is stored. */
import type { Event, Reporter } from "../event.ts";
import type { DoneEvent } from "./summary.ts";

export interface TraceOptions {
  /** Takes the whole trace once, at the end. */
  readonly save: (text: string) => void;
}

/** One process in the trace for what runs, one for what is decided. */
const pids = { slots: 1, deciding: 2 } as const;

/** A span that has not ended. */
interface Span {
  readonly kind: keyof typeof pids;
  readonly atMs: number;
  readonly lane: number;
  readonly args: Record<string, unknown>;
}

export function createTraceReporter(options: TraceOptions): Reporter {
  const spans: unknown[] = [];
  const open = new Map<string, Span>();
  const readyAt = new Map<string, number>();
  const needs = new Map<string, readonly string[]>();
  const lanes = { slots: new Set<number>(), deciding: new Set<number>() };
  const busy = new Set<number>();
  let startMs = 0;
  let lastMs = 0;

  const microseconds = (atMs: number): number => Math.round((atMs - startMs) * 1000);

  function begin(task: string, span: Span): void {
    lanes[span.kind].add(span.lane);
    open.set(task, span);
  }

  function end(task: string, atMs: number, outcome: string): void {
    const span = open.get(task);
    if (span === undefined) return;
    open.delete(task);
    if (span.kind === "deciding") busy.delete(span.lane);
    const ts = microseconds(span.atMs);
    spans.push({
      name: task,
      cat: outcome,
      ph: "X",
      ts,
      dur: microseconds(atMs) - ts,
      pid: pids[span.kind],
      tid: span.lane,
      args: { ...span.args, outcome },
    });
  }

  /** Decisions have no slot: each takes the first free row. */
  function decide(task: string, atMs: number): void {
    let lane = 1;
    while (busy.has(lane)) lane++;
    busy.add(lane);
    begin(task, { kind: "deciding", atMs, lane, args: {} });
  }

  function finish(event: DoneEvent & { readonly atMs: number }): void {
    end(event.task, event.atMs, event.outcome);
    readyAt.delete(event.task);
  }

  function mark(name: string, cat: string, atMs: number): void {
    spans.push({ name, cat, ph: "i", s: "g", ts: microseconds(atMs), pid: pids.slots, tid: 0 });
  }

  return {
    event(event: Event) {
      lastMs = event.atMs;
      switch (event.kind) {
        case "run-started":
          startMs = event.atMs;
          return;
        case "graph-ready":
          for (const outline of event.tasks) needs.set(outline.task, outline.needs);
          return;
        case "task-state":
          switch (event.state) {
            case "waiting":
              return;
            case "ready":
              readyAt.set(event.task, event.atMs);
              return;
            case "deciding":
              return decide(event.task, event.atMs);
            case "running": {
              end(event.task, event.atMs, open.get(event.task)?.kind === "slots" ? "failed" : "run");
              const { atMs, slot, attempt, reasons } = event;
              const waitedMs = atMs - (readyAt.get(event.task) ?? atMs);
              return begin(event.task, {
                kind: "slots",
                atMs,
                lane: slot,
                args: { attempt, reasons, waitedMs, needs: needs.get(event.task) ?? [] },
              });
            }
            case "done":
              return finish(event);
          }
        case "warning":
          return mark(event.text, "warning", event.atMs);
        case "run-finished":
          return mark(event.signal ?? "finished", "run", event.atMs);
        case "task-output":
        case "task-step":
          return;
      }
    },
    end() {
      for (const task of [...open.keys()]) end(task, lastMs, "unfinished");
      const names = [name("process_name", pids.slots, 0, "bt"), name("process_name", pids.deciding, 0, "deciding")];
      for (const lane of sorted(lanes.slots)) names.push(name("thread_name", pids.slots, lane, `slot ${lane}`));
      for (const lane of sorted(lanes.deciding))
        names.push(name("thread_name", pids.deciding, lane, `deciding ${lane}`));
      options.save(`[\n${[...names, ...spans].map((span) => JSON.stringify(span)).join(",\n")}\n]\n`);
    },
  };
}

function name(kind: "process_name" | "thread_name", pid: number, tid: number, text: string): unknown {
  return { name: kind, ph: "M", pid, tid, args: { name: text } };
}

function sorted(lanes: ReadonlySet<number>): readonly number[] {
  return [...lanes].sort((a, b) => a - b);
}
