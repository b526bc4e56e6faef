/** Event lists by hand: stamps bodies, a second apart unless they say when. Does not know reporters. */
import type { Event, EventBody, Outcome, Reporter } from "../../core/event.ts";

/** Body of an event, and its time in milliseconds after the start of the run. */
export type Happening = EventBody & { readonly atMs?: number };

export function stamp(happenings: readonly Happening[]): readonly Event[] {
  return happenings.map((happening, index) => ({ v: 1, seq: index + 1, run: "r1", atMs: index * 1000, ...happening }));
}

export function tell(reporter: Reporter, happenings: readonly Happening[]): void {
  for (const event of stamp(happenings)) reporter.event(event);
}

export function started(more: Partial<Extract<EventBody, { kind: "run-started" }>> = {}): EventBody {
  return { kind: "run-started", targets: ["oven"], root: "/bakery", jobs: 2, dryRun: false, ...more };
}

export function running(task: string, more: Partial<Extract<EventBody, { state: "running" }>> = {}): EventBody {
  return { kind: "task-state", task, state: "running", reasons: ["it has never run"], attempt: 1, slot: 1, ...more };
}

export function said(
  task: string,
  text: string,
  stream: Extract<EventBody, { kind: "task-output" }>["stream"] = "stdout",
): EventBody {
  return { kind: "task-output", task, stream, text };
}

export function done(
  task: string,
  outcome: Outcome = "ran",
  more: Partial<Extract<EventBody, { state: "done" }>> = {},
): EventBody {
  return { kind: "task-state", task, state: "done", outcome, durationMs: 1200, ...more };
}

export function finished(
  counts: Partial<Record<Outcome, number>>,
  more: Partial<Extract<EventBody, { kind: "run-finished" }>> = {},
): EventBody {
  return { kind: "run-finished", exitCode: 0, counts, durationMs: 4200, values: {}, ...more };
}

/** A run of two tasks, of which the second fails and blocks a third. */
export const burnt: readonly Happening[] = [
  started(),
  {
    kind: "graph-ready",
    tasks: [
      { task: "mix", needs: [] },
      { task: "bake", needs: ["mix"] },
      { task: "oven", needs: ["bake"] },
    ],
  },
  running("mix"),
  said("mix", "mix flour", "command"),
  running("bake", { slot: 2, reasons: ['input "dough" changed'] }),
  said("mix", "stirring"),
  said("bake", "bake --hot", "command"),
  said("mix", "smooth"),
  done("mix"),
  said("bake", "smoke!\nfire!", "stderr"),
  done("bake", "failed", {
    log: ".bt/runs/r1/bake.log",
    failure: {
      code: "COMMAND_FAILED",
      problem: "`bake --hot` ended with 3",
      at: 'task "bake"',
      detail: ["smoke!", "fire!"],
      fix: "Use less heat.",
      exitCode: 1,
    },
  }),
  done("oven", "blocked", { blockedBy: "bake", durationMs: 0 }),
  finished({ ran: 1, failed: 1, blocked: 1 }, { exitCode: 1 }),
];
