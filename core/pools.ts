/** What tasks take while they run, of things that there is only so much of: places in pools, memory, disk. Does not know which task is next. */
import type { Node } from "./graph.ts";
import { parseSize } from "./size.ts";
import type { TaskBase } from "./task.ts";

/** What tasks declare in bytes, each in the field of this name. */
export const resources = ["memory", "disk"] as const;
export type Resource = (typeof resources)[number];

/**
 * Bytes that running tasks may have together, as they declare it. Absent: as they like. What they really use is not looked at:
 * of a disk it counts what was free when the run began, and a task that has ended gives back what it declared, even if its files stay.
 */
export type Budget = Readonly<Partial<Record<Resource, number>>>;

export interface PoolOptions {
  /** Pool name to capacity. Default: 1. */
  readonly pools: Readonly<Record<string, number>>;
  readonly budget?: Budget;
}

export interface Pools {
  readonly fits: (node: Node) => boolean;
  /** Takes all that the node wants, or nothing. */
  readonly take: (node: Node) => boolean;
  readonly free: (node: Node) => void;
}

/** A share of one thing. */
interface Wish {
  readonly of: string;
  readonly amount: number;
  /** All that there is of it. */
  readonly capacity: number;
}

export function createPools({ pools, budget = {} }: PoolOptions): Pools {
  const used = new Map<string, number>();
  const wishesOf = ({ task }: Node): readonly Wish[] => [
    ...poolsOf(task).map((name) => ({ of: `pool ${name}`, amount: 1, capacity: Math.max(1, pools[name] ?? 1) })),
    ...resources.map((name) => {
      const capacity = budget[name] ?? Infinity;
      // One that wants more than there is has to have it all.
      return { of: name, amount: Math.min(bytesOf(task, name), capacity), capacity };
    }),
  ];
  const use = (name: string, amount: number): unknown => used.set(name, (used.get(name) ?? 0) + amount);
  const fits = (node: Node): boolean =>
    wishesOf(node).every(({ of, amount, capacity }) => (used.get(of) ?? 0) + amount <= capacity);
  return {
    fits,
    take(node) {
      if (!fits(node)) return false;
      for (const { of, amount } of wishesOf(node)) use(of, amount);
      return true;
    },
    free(node) {
      for (const { of, amount } of wishesOf(node)) use(of, -amount);
    },
  };
}

/** Pools that a task takes from while it runs. */
export function poolsOf(task: TaskBase): readonly string[] {
  return [task.pool ?? []].flat();
}

/** Bytes of a resource that a task declares. */
export function bytesOf(task: TaskBase, resource: Resource): number {
  const size = task[resource];
  return size === undefined ? 0 : (parseSize(size) ?? 0);
}
