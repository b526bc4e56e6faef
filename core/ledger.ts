/** What the tasks of one run have come to: results, outcomes, failures, counts; every end is told here. Does not know why a task ended. */
import type { BtError } from "./errors.ts";
import { isGroupNode, type NodeResult } from "./decide.ts";
import type { Counts, EventBody, Outcome } from "./event.ts";
import { toFailure } from "./failure.ts";
import type { Node } from "./graph.ts";
import { logPath } from "./record.ts";
import type { Ended } from "./schedule.ts";

/** What is known of a task's end besides the outcome. */
export interface EndFacts {
  readonly startedMs?: number;
  readonly slot?: number;
  readonly key?: string;
  readonly error?: BtError;
  readonly isFlaky?: boolean;
  /** Cache it was restored from. */
  readonly from?: string;
  readonly blockedBy?: string;
}

export interface Ledger {
  /** What each node left for those that need it. */
  readonly results: Map<string, NodeResult>;
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Passes an event on, and notes what it says about the run. */
  readonly tell: (event: EventBody) => void;
  /** Says how a task ended; returns what the scheduler needs to know of it. */
  readonly finish: (node: Node, outcome: Outcome, facts?: EndFacts) => Ended;
  /** Makes the run fail for a reason that is no task's. */
  readonly fail: (error: BtError) => void;
  readonly close: () => { readonly exitCode: number; readonly counts: Counts; readonly hasSpawned: boolean };
}

export function createLedger({
  run,
  emit,
  hide,
}: {
  readonly run: string;
  readonly emit: (event: EventBody) => void;
  readonly hide: (text: string) => string;
}): Ledger {
  const results = new Map<string, NodeResult>();
  const outcomes = new Map<string, Outcome>();
  const counts: Partial<Record<Outcome, number>> = {};
  const failures: BtError[] = [];
  const said = new Set<string>(); // Tasks that have printed something.
  let hasSpawned = false;
  const tell = (event: EventBody): void => {
    if (event.kind === "task-output" && event.stream === "command") hasSpawned = true;
    else if (event.kind === "task-output") said.add(event.task);
    emit(event);
  };
  const finish: Ledger["finish"] = (node, outcome, facts = {}) => {
    const { error } = facts;
    const isAllowed = error !== undefined && node.task.allowFailure === true;
    outcomes.set(node.id, outcome);
    if (!isGroupNode(node)) counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (error !== undefined && !isAllowed) failures.push(error);
    tell({
      kind: "task-state",
      task: node.id,
      state: "done",
      outcome,
      durationMs: facts.startedMs === undefined ? 0 : Date.now() - facts.startedMs,
      ...(facts.slot === undefined ? {} : { slot: facts.slot }),
      ...(facts.key === undefined ? {} : { key: facts.key }),
      ...(error === undefined ? {} : { failure: toFailure(error, hide) }),
      ...(facts.isFlaky === true ? { flaky: true } : {}),
      ...(facts.from === undefined ? {} : { from: facts.from }),
      ...(isAllowed ? { allowed: true } : {}),
      ...(facts.blockedBy === undefined ? {} : { blockedBy: facts.blockedBy }),
      ...(said.has(node.id) ? { log: logPath(run, node.id) } : {}),
    });
    if (isAllowed) results.set(node.id, { digest: `failed ${Date.now()}`, value: undefined });
    return { outcome, isAllowed };
  };
  return {
    results,
    outcomes,
    tell,
    finish,
    fail(error) {
      failures.push(error);
      tell({ kind: "warning", text: hide(error.message), fix: error.fix });
    },
    close: () => ({ exitCode: exitCodeOf(failures, [...outcomes.values()]), counts, hasSpawned }),
  };
}

/** The lowest of the plugins' own codes wins; 2 if wrong input is all that was found; 1 only if no other applies. */
function exitCodeOf(failures: readonly BtError[], outcomes: readonly Outcome[]): number {
  const codes = failures.map(({ exitCode }) => exitCode).filter((code) => code >= 3 && code < 64);
  if (codes.length > 0) return Math.min(...codes);
  if (failures.length > 0 && failures.every(({ isRefusal }) => isRefusal)) return 2;
  return failures.length > 0 || outcomes.includes("cancelled") || outcomes.includes("blocked") ? 1 : 0;
}
