/** Everything that can happen in a run: one closed union. Does not know who listens. */

/** Where a task stands; `done` carries the outcome. */
export type TaskState = "waiting" | "ready" | "deciding" | "running" | "done";
/** How a task ended. */
export type Outcome =
  | "ran"
  | "fresh"
  | "restored"
  | "skipped"
  | "group"
  | "failed"
  | "timed-out"
  | "cancelled"
  | "blocked";

/** A failure as data: what an error said, and what is known of the command behind it. */
export interface Failure {
  /** `COMMAND_FAILED`; `BUG` when something else than a BtError was thrown. */
  readonly code: string;
  readonly problem: string;
  readonly fix?: string;
  /** `builderfile.ts:14:5`. */
  readonly at?: string;
  /** Shown between place and fix, for example the last lines of the output. */
  readonly detail?: readonly string[];
  /** As bt exits when only this failed. */
  readonly exitCode: number;
  /** Stack of a bug. */
  readonly stack?: string;
}

/** One task of the graph, as far as a listener needs it. */
export interface TaskOutline {
  readonly task: string;
  readonly description?: string;
  /** Ids of the tasks it waits for. */
  readonly needs: readonly string[];
  /** Matrix task it is a cell of. */
  readonly group?: string;
  /** It only needs others, and does nothing itself. Absent: it does. */
  readonly isGroup?: true;
  /** Milliseconds it took last time. Absent: unknown. */
  readonly expectedMs?: number;
}

/** How often each outcome came up; groups are not counted. */
export type Counts = Readonly<Partial<Record<Outcome, number>>>;

export type EventBody =
  | {
      readonly kind: "run-started";
      readonly targets: readonly string[];
      readonly root: string;
      readonly jobs: number;
      readonly dryRun: boolean;
    }
  | { readonly kind: "graph-ready"; readonly tasks: readonly TaskOutline[] }
  | { readonly kind: "task-state"; readonly task: string; readonly state: "waiting" | "ready" | "deciding" }
  | {
      readonly kind: "task-state";
      readonly task: string;
      readonly state: "running";
      /** Why it runs, as sentences; the first is the one to show. */
      readonly reasons: readonly string[];
      /** 1 for the first try. */
      readonly attempt: number;
      /** Worker slot, from 1. */
      readonly slot: number;
      /** The terminal belongs to this task until it is done. */
      readonly console?: true;
    }
  | {
      readonly kind: "task-state";
      readonly task: string;
      readonly state: "done";
      readonly outcome: Outcome;
      readonly durationMs: number;
      readonly slot?: number;
      /** Hex SHA-256 of all that the result depends on. Absent: it was never told, as for a group. */
      readonly key?: string;
      readonly failure?: Failure;
      /** Succeeded after a failed try. */
      readonly flaky?: boolean;
      /** The failure is reported but fails nothing else. */
      readonly allowed?: boolean;
      /** Cache that it was restored from. */
      readonly from?: string;
      /** Task whose failure blocked this one. */
      readonly blockedBy?: string;
      /** Log file, relative to the root. Absent: it printed nothing. */
      readonly log?: string;
    }
  /** `text` is whole lines, masked, without the last newline. `command` is what is about to be started. */
  | {
      readonly kind: "task-output";
      readonly task: string;
      readonly stream: "stdout" | "stderr" | "command" | "info" | "warn";
      readonly text: string;
      /** Printed by an earlier run, whose result is restored. */
      readonly replayed?: true;
    }
  /** What a running task is at now, until it says the next; its output holds it too. Masked, one line. */
  | { readonly kind: "task-step"; readonly task: string; readonly text: string }
  | { readonly kind: "warning"; readonly text: string; readonly fix?: string; readonly task?: string }
  | {
      readonly kind: "run-finished";
      readonly exitCode: number;
      readonly counts: Counts;
      readonly durationMs: number;
      /** What the targets returned, by id; empty when none returned anything. */
      readonly values: Readonly<Record<string, unknown>>;
      /** Signal that ended the run. */
      readonly signal?: string;
      /** Folder of the run record, relative to the root. */
      readonly record?: string;
    };

/** One event with its stamp. */
export type Event = EventBody & {
  /** Version of this schema. Fields may be added without raising it. */
  readonly v: 1;
  /** Counts from 1 within the run. */
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Id of the run. */
  readonly run: string;
};

/** Shows or stores events. It may fail without harming the run. */
export interface Reporter {
  readonly event: (event: Event) => void;
  /** Called once, after the last event. */
  readonly end?: () => void | Promise<void>;
}
