/** The longest chain of tasks that waited for each other: what a faster machine would not have made shorter. Pure. */
import type { PageTask } from "./model.ts";

export interface Chain {
  /** From the first to the last. */
  readonly tasks: readonly string[];
  readonly durationMs: number;
}

/** Empty when no task took any time. What has not run yet counts as long as last time. */
export function findChain(tasks: readonly PageTask[]): Chain {
  const known = new Map(tasks.map((task) => [task.task, task]));
  const sums = new Map<string, { readonly ms: number; readonly via: string | undefined }>();
  for (const { task } of inOrder(tasks)) {
    const own = known.get(task)!; // It came from there.
    let best: { readonly ms: number; readonly via: string | undefined } = { ms: 0, via: undefined };
    for (const need of own.needs) {
      const { ms } = sums.get(need) ?? { ms: 0 };
      if (ms > best.ms) best = { ms, via: need };
    }
    sums.set(task, { ms: best.ms + timeOf(own), via: best.via });
  }
  let last: string | undefined;
  for (const [task, { ms }] of sums) if (ms > (last === undefined ? 0 : sums.get(last)!.ms)) last = task;
  const chain: string[] = [];
  for (let at = last; at !== undefined; at = sums.get(at)?.via) chain.unshift(at);
  return { tasks: chain, durationMs: last === undefined ? 0 : sums.get(last)!.ms };
}

function timeOf({ state, durationMs, expectedMs }: PageTask): number {
  return durationMs ?? (state === "done" ? 0 : (expectedMs ?? 0));
}

/** Needs before those that need them. */
export function inOrder(tasks: readonly PageTask[]): readonly PageTask[] {
  const known = new Map(tasks.map((task) => [task.task, task]));
  const missing = new Map<string, number>();
  const dependents = new Map<string, string[]>();
  for (const { task, needs } of tasks) {
    const own = needs.filter((need) => known.has(need));
    missing.set(task, own.length);
    for (const need of own) {
      const others = dependents.get(need);
      if (others === undefined) dependents.set(need, [task]);
      else others.push(task);
    }
  }
  const order = tasks.filter(({ task }) => missing.get(task) === 0);
  for (const { task } of order)
    for (const next of dependents.get(task) ?? []) {
      const left = missing.get(next)! - 1;
      missing.set(next, left);
      if (left === 0) order.push(known.get(next)!);
    }
  return order;
}
