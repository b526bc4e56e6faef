/** What tasks take while they run, of things that there is only so much of: places in pools, and memory. Does not know which task is next. */
import type { Node } from "./graph.ts";
import { parseSize } from "./size.ts";
import type { TaskBase } from "./task.ts";

export interface PoolOptions {
  /** Pool name to capacity. Default: 1. */
  readonly pools: Readonly<Record<string, number>>;
  /** Bytes that tasks may have together, as they declare it. Absent: as they like. */
  readonly memoryBytes?: number;
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
}

/** No pool can be called so by mistake. */
const memory = "(memory)";

export function createPools({ pools, memoryBytes = Infinity }: PoolOptions): Pools {
  const used = new Map<string, number>();
  const capacityOf = (name: string): number => (name === memory ? memoryBytes : Math.max(1, pools[name] ?? 1));
  const wishesOf = ({ task }: Node): readonly Wish[] => {
    const places = poolsOf(task).map((of) => ({ of, amount: 1 }));
    const bytes = memoryOf(task);
    // One that wants more than there is has to have it all.
    return bytes === 0 ? places : [...places, { of: memory, amount: Math.min(bytes, memoryBytes) }];
  };
  const use = (name: string, amount: number): unknown => used.set(name, (used.get(name) ?? 0) + amount);
  const fits = (node: Node): boolean =>
    wishesOf(node).every(({ of, amount }) => (used.get(of) ?? 0) + amount <= capacityOf(of));
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

/** Bytes. */
export function memoryOf({ memory: size }: TaskBase): number {
  return size === undefined ? 0 : (parseSize(size) ?? 0);
}
