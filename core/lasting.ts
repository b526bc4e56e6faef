/** Services that stay between the runs of a watch, until their key changes or the watch ends. Does not know what a run is. */
import type { Workshop } from "./bench.ts";
import type { ProcessTree } from "./exec.ts";
import { claimProcesses } from "./orphans.ts";
import type { Serving } from "./serving.ts";

export interface Lasting {
  /** Starts the cookies of their processes. */
  readonly run: string;
  /** Trees of their processes. */
  readonly trees: Set<ProcessTree>;
  /** Aborted when they are killed. */
  readonly killed: AbortSignal;
  /** Those that run, sorted. */
  readonly names: () => readonly string[];
  /** The service, if it runs and was started with this key. */
  readonly find: (id: string, key: string) => Serving | undefined;
  /** `needs`: the services that it needs itself. */
  readonly add: (serving: Serving, needs: readonly string[]) => void;
  /** Stops a service, and before it those that need it. */
  readonly stop: (id: string) => Promise<void>;
  /** Stops all but these. */
  readonly retain: (ids: ReadonlySet<string>) => Promise<void>;
  readonly close: () => Promise<void>;
  /** Ends all at once. */
  readonly kill: () => void;
}

export function createLasting(root: string, run: string): Lasting {
  const services = new Map<string, { readonly serving: Serving; readonly needs: readonly string[] }>();
  const stopping = new Set<Serving>();
  const trees = new Set<ProcessTree>();
  const killed = new AbortController();
  let release: (() => void) | undefined;

  const stop = async (id: string): Promise<void> => {
    const { serving } = services.get(id) ?? {}; // Before anything is waited for: then it may be the next one of this name.
    await Promise.all([...services].flatMap(([other, { needs }]) => (needs.includes(id) ? [stop(other)] : [])));
    if (serving === undefined) return;
    stopping.add(serving);
    serving.stop();
    await serving.ended;
  };
  const retain = async (ids: ReadonlySet<string>): Promise<void> => {
    await Promise.all([...services.keys()].filter((id) => !ids.has(id)).map(stop));
  };

  return {
    run,
    trees,
    killed: killed.signal,
    names: () => [...services.keys()].sort(),
    find(id, key) {
      const { serving } = services.get(id) ?? {};
      return serving?.key === key && !stopping.has(serving) ? serving : undefined;
    },
    add(serving, needs) {
      release ??= claimProcesses(root, run);
      services.set(serving.id, { serving, needs });
      void serving.ended.then(() => {
        stopping.delete(serving);
        if (services.get(serving.id)?.serving === serving) services.delete(serving.id);
      });
    },
    stop,
    retain,
    async close() {
      await retain(new Set());
      release?.();
    },
    kill() {
      killed.abort();
      for (const tree of trees) tree.kill();
    },
  };
}

/** For what goes on when the run has ended: nothing in it ends with the run. */
export function lastingWorkshop(workshop: Workshop, { run, trees }: Lasting): Workshop {
  return { ...workshop, run, trees, pool: undefined, handOn: () => undefined, away: (wait) => wait() };
}
