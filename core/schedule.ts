/** Which task starts next: slots, pools, the longest path first, failure, cancellation. Does not know what running means. */
import { validationFailed } from "./errors/run.ts";
import type { Outcome } from "./event.ts";
import { type Graph, type Node } from "./graph.ts";
import { finalHelpers, finalOwners, waitsFor } from "./order.ts";
import { createPools, type PoolOptions } from "./pools.ts";
import type { Slots } from "./slots.ts";

/** What the scheduler is told about one ended task. */
export interface Ended {
  readonly outcome: Outcome;
  /** Fails nothing else. */
  readonly isAllowed?: boolean;
}

/** A task that could not be done after all: these, which nobody may have wanted so far, come first, and then it starts again. */
export interface Postponed {
  readonly first: readonly string[];
}

export interface ScheduleOptions extends PoolOptions {
  /** Tasks running at the same time. At least 1. */
  readonly jobs: number;
  /** Slots that are shared with other programs. Absent: all of `jobs` are ours. */
  readonly slots?: Slots;
  readonly keepGoing: boolean;
  /** Running tasks are cancelled at the first failure. */
  readonly failFast: boolean;
  /** Higher starts first: milliseconds to the end of the longest chain behind the task. */
  readonly urgency: (id: string) => number;
  /** False while the machine is too busy for another task. */
  readonly hasRoom: () => boolean;
  /** Runs, skips or restores one task. Its needs are done. Never rejects. */
  readonly start: (node: Node, slot: number) => Promise<Ended | Postponed>;
  /** A task that will not start because `because` failed. */
  readonly block: (node: Node, because: string) => void;
  readonly ready: (node: Node) => void;
  /** Aborted: nothing is started any more. */
  readonly signal: AbortSignal;
  /** Cancels the running tasks, for failFast. */
  readonly cancel: () => void;
}

export interface Schedule {
  /** Resolves when nothing runs and nothing can start any more. */
  readonly run: () => Promise<void>;
  /** Frees the slot and the pools of a running task until every validation is done. Rejects when one has failed, or the run is cancelled before. */
  readonly barrier: (id: string) => Promise<void>;
  /** Frees the slot of a running task while it waits for something; then it waits for a slot again. */
  readonly away: <T>(wait: () => Promise<T>) => Promise<T>;
}

/** Outcomes after which nothing that needs the task may start. */
const failing: ReadonlySet<Outcome> = new Set(["failed", "timed-out", "cancelled", "blocked"]);

type Status = "waiting" | "ready" | "running" | "done";

/** How often a busy machine is looked at again. Milliseconds. */
const pollMs = 500;

/**
 * Runs the wanted nodes of a graph.
 *
 *     waiting ──needs done──▶ ready ──slot and pools free──▶ running ──▶ done
 *        └──────────a need failed, or the run stopped──────────────────▶ done (blocked)
 */
export function createSchedule(graph: Graph, wanted: ReadonlySet<string>, options: ScheduleOptions): Schedule {
  const nodes = new Map([...graph.nodes].filter(([id]) => wanted.has(id)));
  const status = new Map<string, Status>([...nodes.keys()].map((id) => [id, "waiting"]));
  const dependents = new Map<string, string[]>();
  const missing = new Map<string, number>();
  const failed = new Set<string>();
  const validations = new Set<string>();
  const finals = finalOwners({ nodes, targets: graph.targets });
  const helpers = finalHelpers({ nodes, targets: graph.targets });
  const pools = createPools(options);
  const slots = new Map<number, string>();
  const started = new Set<string>();
  const ready: string[] = []; // The next one to start is the last.
  const returning: { readonly wake: () => void; readonly node?: Node }[] = []; // Running tasks that want their slot, and pools, back.
  let paused = 0; // Running tasks without a slot.
  let barred = 0; // Those of them that wait at the barrier.
  let running = 0;
  let stopped = false;
  let finish: () => void = () => {};
  let onValidation: (() => void)[] = [];
  let timer: NodeJS.Timeout | undefined;

  for (const node of nodes.values()) {
    const before = new Set([...waitsFor(graph, node.id), ...(finals.get(node.id) ?? [])].filter((id) => nodes.has(id)));
    missing.set(node.id, before.size);
    for (const id of before) push(dependents, id, node.id);
    for (const { to, kind } of node.edges) if (kind === "validation" && nodes.has(to)) validations.add(to);
  }

  const mayStart = (id: string): boolean =>
    finals.has(id) || (!options.signal.aborted && (!stopped || options.keepGoing)) || isForFinal(id);

  /** Whether a task that will run whatever happened needs it. */
  const isForFinal = (id: string): boolean =>
    [...(helpers.get(id) ?? [])].some((final) => [...(finals.get(final) ?? [])].some((owner) => started.has(owner)));

  const compare = (a: string, b: string): number => {
    const byPriority = (nodes.get(a)?.task.priority ?? 0) - (nodes.get(b)?.task.priority ?? 0);
    return byPriority || options.urgency(a) - options.urgency(b) || (a > b ? -1 : 1);
  };

  const makeReady = (id: string): void => {
    markReady(id);
    let [low, high] = [0, ready.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(id, ready[middle]!) < 0) high = middle;
      else low = middle + 1;
    }
    ready.splice(low, 0, id);
  };

  const markReady = (id: string): void => {
    status.set(id, "ready");
    options.ready(nodes.get(id)!); // Only ids of nodes are queued.
  };

  /** Ends a task, and blocks all that it was needed for if it failed. */
  const settle = (id: string, hasFailed: boolean): void => {
    const ended = [{ id, hasFailed }];
    for (const one of ended) {
      status.set(one.id, "done");
      if (one.hasFailed) failed.add(one.id);
      if (validations.has(one.id)) for (const wake of onValidation.splice(0)) wake();
      for (const next of dependents.get(one.id) ?? []) {
        const count = missing.get(next)! - 1;
        missing.set(next, count);
        if (status.get(next) !== "waiting") continue;
        if (isBlocked(next, one, count)) ended.push(block(next, one.id));
        else if (count === 0) makeReady(next);
      }
    }
  };

  const isBlocked = (
    next: string,
    by: { readonly id: string; readonly hasFailed: boolean },
    count: number,
  ): boolean => {
    const owners = finals.get(next);
    const isUnneeded = count === 0 && owners !== undefined && ![...owners].some((owner) => started.has(owner));
    return isUnneeded || (by.hasFailed && owners?.has(by.id) !== true);
  };

  const block = (id: string, because: string): { id: string; hasFailed: boolean } => {
    status.set(id, "done");
    options.block(nodes.get(id)!, because);
    return { id, hasFailed: true };
  };

  const pickNext = (): Node | undefined => {
    for (let at = ready.length - 1; at >= 0; at--) {
      const node = nodes.get(ready[at]!)!;
      if (!mayStart(node.id) || !pools.take(node)) continue;
      ready.splice(at, 1);
      return node;
    }
    return undefined;
  };

  const canPick = (): boolean => ready.some((id) => mayStart(id) && pools.fits(nodes.get(id)!)); // Only ids of nodes are queued.

  /** Takes slots for those that come back, then for those that start. */
  const fill = (): void => {
    const limit = (): number => Math.min(options.jobs, options.slots?.allowed() ?? options.jobs);
    while (running - paused < limit()) {
      const back = returning.findIndex(({ node }) => node === undefined || pools.take(node));
      if (back !== -1) {
        paused--;
        returning.splice(back, 1)[0]?.wake();
        continue;
      }
      const node = running === paused || options.hasRoom() ? pickNext() : undefined;
      if (node === undefined) break;
      launch(node);
    }
    if (options.slots === undefined) return;
    const active = running - paused;
    const wants = active < options.jobs && (returning.length > 0 || (options.hasRoom() && canPick()));
    options.slots.settle({ running: active, wants });
  };

  const pump = (): void => {
    fill();
    if (running > barred) {
      if (running - paused < options.jobs && ready.length > 0 && timer === undefined)
        timer = setTimeout(() => ((timer = undefined), pump()), pollMs).unref();
      return;
    }
    // Nothing is left that could let another task start; tasks at the barrier hear of it by the validations.
    for (const id of running === 0 ? status.keys() : validations) {
      const isStuck = status.get(id) === "waiting" || status.get(id) === "ready";
      if (isStuck && !finals.has(id)) settle(block(id, [...failed][0] ?? "").id, true);
    }
    if (ready.some((id) => status.get(id) === "ready" && mayStart(id))) return pump();
    if (running === 0) finish();
  };

  const launch = (node: Node): void => {
    let slot = 1;
    while (slots.has(slot)) slot++;
    slots.set(slot, node.id);
    status.set(node.id, "running");
    started.add(node.id);
    running++;
    void options.start(node, slot).then((ended) => {
      const hasFailed = "outcome" in ended && ended.isAllowed !== true && failing.has(ended.outcome);
      if (hasFailed) {
        stopped = true; // Known before the slot is free, so that no new task slips in.
        if (options.failFast) options.cancel();
      }
      pools.free(node);
      slots.delete(slot);
      running--;
      if ("first" in ended) postpone(node, ended.first);
      else settle(node.id, hasFailed);
      pump();
    });
  };

  const postpone = (node: Node, first: readonly string[]): void => {
    const more = first.filter((id) => !nodes.has(id));
    for (const id of more) nodes.set(id, graph.nodes.get(id)!); // Only ids of nodes are needed.
    for (const id of [...more, node.id]) {
      const before = waitsFor(graph, id).filter((one) => nodes.has(one) && status.get(one) !== "done");
      status.set(id, "waiting");
      missing.set(id, before.length);
      for (const one of before) push(dependents, one, id);
    }
    for (const id of [...more, node.id]) {
      if (status.get(id) !== "waiting") continue; // Blocked with another.
      const bad = waitsFor(graph, id).find((one) => failed.has(one));
      if (bad !== undefined) settle(block(id, bad).id, true);
      else if (missing.get(id) === 0) makeReady(id);
    }
  };

  const away: Schedule["away"] = (wait) => leave(wait);

  /** `node`: gives up its pools as well while it waits. */
  const leave = async <T>(wait: () => Promise<T>, node?: Node): Promise<T> => {
    paused++;
    if (node !== undefined) pools.free(node);
    const waited = wait();
    pump();
    try {
      return await waited;
    } finally {
      await new Promise<void>((wake) => {
        returning.push(node === undefined ? { wake } : { wake, node });
        pump();
      });
    }
  };

  return {
    away,
    run: () =>
      new Promise((resolve) => {
        finish = () => (clearTimeout(timer), resolve());
        options.signal.addEventListener("abort", pump, { once: true });
        options.slots?.watch(pump);
        for (const id of [...missing.keys()].filter((name) => missing.get(name) === 0).sort(compare)) {
          ready.push(id);
          markReady(id);
        }
        pump();
      }),
    async barrier(id) {
      const isPending = (): boolean => [...validations].some((validation) => status.get(validation) !== "done");
      await leave(async () => {
        barred++;
        while (isPending() && !options.signal.aborted) {
          pump();
          await new Promise<void>((resolve) => {
            onValidation.push(resolve);
            options.signal.addEventListener("abort", () => resolve(), { once: true });
          });
        }
        barred--;
      }, nodes.get(id));
      if (isPending()) throw options.signal.reason;
      const bad = [...validations].find((validation) => failed.has(validation));
      if (bad !== undefined) throw validationFailed(id, bad);
    },
  };
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
