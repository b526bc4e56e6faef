/** Where the tasks of a run and the caches meet: who is restored, whose result is kept. Loads caches only for tasks that have use for them. */
import * as path from "node:path";
import type { Work, Workshop } from "./bench.ts";
import type { Cache, Restored } from "./cache/cache.ts";
import { isCacheOff } from "./cache/choice.ts";
import { isKept } from "./cache/keep.ts";
import type { Decision } from "./decide.ts";
import { cacheMiss } from "./errors/run.ts";
import type { EventBody } from "./event.ts";
import type { Finished } from "./hooks.ts";
import type { Prepared } from "./prepare.ts";
import { logPath } from "./record.ts";

export interface Kept {
  /** Lets plugins say which caches there are. */
  readonly open: () => Promise<void>;
  /**
   * Puts the result of an earlier run in place; `onPlace` is called right before outputs change.
   * @throws BtError CACHE_MISS when only caches may be used
   */
  readonly restore: (work: Work, decision: Decision, onPlace: () => void) => Promise<Restored | undefined>;
  /** Keeps what a task has just made. */
  readonly keep: (work: Work, decision: Decision, made: Finished & { readonly durationMs: number }) => Promise<void>;
  /** Waits until what is to be kept is kept. */
  readonly close: () => Promise<void>;
}

export function createKept(
  { project, assembly, secrets, graph, forecast, cache: wish, caches }: Prepared,
  {
    workshop,
    tell,
    signal,
  }: { readonly workshop: Workshop; readonly tell: (event: EventBody) => void; readonly signal: AbortSignal },
): Kept {
  const { root } = project;
  const { hooks } = assembly;
  const isOff = isCacheOff(wish.choice);
  let opened: Promise<Cache> | undefined;
  const open = (): Promise<Cache> =>
    (opened ??= import("./cache/cache.ts").then(({ openCache }) =>
      openCache({ root, wish, hooks, env: workshop.env, secrets, emit: tell, caches, signal }),
    ));
  const hasUse = ({ node }: Work, { isKeyWhole }: Decision): boolean => !isOff && isKeyWhole && isKept(node);
  const mayRestore = ([id, { step, mayTake }]: readonly [string, Decision]): boolean => {
    const node = step.action === "run" && mayTake ? graph.nodes.get(id) : undefined;
    return node !== undefined && isKept(node);
  };
  return {
    async open() {
      if (isOff) return;
      if (hooks.cache.isUsed()) await open();
      // Loaded before a task waits for it. Who uses it is told when that fails.
      else if ([...forecast.decisions].some(mayRestore)) await open().catch(() => {});
    },
    async restore(work, decision, onPlace) {
      if (!decision.mayTake || !hasUse(work, decision)) return undefined;
      const { node, key } = work;
      const restored = await (await open()).take({ node, key, document: decision.document }, onPlace);
      if (restored === undefined && wish.choice.isOnly && !signal.aborted) throw cacheMiss(node.id);
      return restored;
    },
    async keep(work, decision, made) {
      if (!hasUse(work, decision)) return;
      const { node, key } = work;
      const logFile = path.join(root, logPath(workshop.run, node.id));
      const job = { node, key, document: decision.document };
      (await open()).keep(job, { ...made, logFile, isForced: !decision.mayTake });
    },
    close: async () => await (await opened)?.end(),
  };
}
