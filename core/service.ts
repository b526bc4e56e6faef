/**
 * Services of a run: started when the first task that needs one really runs, ready before that task goes on, ended when nobody is left
 * who needs them, or kept for the next run of a watch. Does not know how a task is attempted.
 */
import { isGroupNode, isServiceNode } from "./decide.ts";
import type { BtError } from "./errors.ts";
import type { Graph, Node } from "./graph.ts";
import type { Lasting } from "./lasting.ts";
import { serve, type Serving, type ServingOptions, type Tell } from "./serving.ts";

export interface ServiceOptions {
  readonly graph: Graph;
  /** Nodes that may run. */
  readonly wanted: ReadonlySet<string>;
  /** Those that stay when a run has ended. Absent: none does. */
  readonly lasting?: Lasting;
  /** What a service is started with; its needs are done. */
  readonly keyOf: (id: string) => string;
  /** How a service is run and asked. */
  readonly operate: (node: Node, slot: number) => Pick<ServingOptions, "attempt" | "ask">;
  /** Says that processes of this run may be left if bt is killed; returns what takes it back. */
  readonly claim: () => () => void;
  readonly tell: Tell;
  /** Says how a service ended, or that it goes on; absent error: as it should. */
  readonly ended: (node: Node, facts: ServiceEnd) => void;
}

export interface ServiceEnd {
  /** `kept`: it was there before, and still is. */
  readonly how: "ran" | "unused" | "kept";
  readonly startedMs?: number;
  readonly error?: BtError;
}

export interface Services {
  readonly isService: (id: string) => boolean;
  /** Ends those of earlier runs that are no services any more. */
  readonly open: () => Promise<void>;
  /** Starts the services that a node needs, and waits until they can be used. Returns the id of one that cannot. Rejects when `signal` is aborted. */
  readonly ready: (node: Node, slot: number, signal: AbortSignal) => Promise<string | undefined>;
  /** Aborted also when a service that the node needs has ended; the reason is a BtError. */
  readonly signalOf: (node: Node, own: AbortSignal) => AbortSignal;
  /** The node has ended, or will never start. */
  readonly leave: (id: string) => void;
  /** Ends what still runs, or lets it go on for the next run. */
  readonly close: () => Promise<void>;
}

interface Running {
  readonly node: Node;
  readonly serving: Serving;
  /** It has ended, and all have heard of it. */
  readonly over: Promise<void>;
  readonly isKept: boolean;
}

export function createServices(options: ServiceOptions): Services {
  const { graph, wanted, lasting, keyOf, operate, claim, tell, ended } = options;
  const services = new Map([...graph.nodes].filter(([id, node]) => wanted.has(id) && isServiceNode(graph, node)));
  const users = new Map([...services.keys()].map((id) => [id, new Set<string>()]));
  const running = new Map<string, Running>();
  const started = new Set<string>();
  /** Aborted when a service has ended by itself: maybe before whoever needs it has begun. */
  const losses = new Map<string, AbortSignal>();
  let release: (() => void) | undefined;
  /** Directly, or by way of a group. */
  const needed = (node: Node): readonly Node[] =>
    services.size === 0
      ? []
      : node.edges.flatMap(({ to, kind }) => {
          const next = kind === "finally" ? undefined : graph.nodes.get(to);
          return next === undefined ? [] : isGroupNode(next) ? needed(next) : (services.get(to) ?? []);
        });
  for (const id of wanted) {
    const node = graph.nodes.get(id)!; // Only nodes are wanted.
    if (!isGroupNode(node)) for (const { id: service } of needed(node)) users.get(service)?.add(id);
  }

  const start = (node: Node, slot: number): Running => {
    started.add(node.id);
    if (lasting === undefined) release ??= claim();
    const key = keyOf(node.id);
    const kept = lasting?.find(node.id, key);
    const after = kept === undefined ? lasting?.stop(node.id) : undefined;
    const serving = kept ?? serve(node, { key, after: after ?? Promise.resolve(), ...operate(node, slot) });
    serving.tellTo(tell);
    losses.set(node.id, serving.lost);
    if (kept === undefined)
      lasting?.add(
        serving,
        needed(node).map(({ id }) => id),
      );
    const over = serving.ended.then((error) => {
      if (!running.delete(node.id)) return; // The run was over before.
      ended(node, { how: "ran", startedMs: serving.startedMs, ...(error === undefined ? {} : { error }) });
      leave(node.id);
    });
    const made = { node, serving, over, isKept: kept !== undefined };
    running.set(node.id, made);
    return made;
  };

  const ready = async (node: Node, slot: number, signal: AbortSignal): Promise<string | undefined> => {
    for (const service of needed(node)) {
      const before =
        running.has(service.id) || started.has(service.id) ? undefined : await ready(service, slot, signal);
      if (before !== undefined) return before;
      const one = running.get(service.id) ?? (started.has(service.id) ? undefined : start(service, slot));
      if (one === undefined || !(await orAborted(one.serving.ready, signal))) return service.id;
    }
    return undefined;
  };

  const leave = (id: string): void => {
    const node = graph.nodes.get(id);
    for (const { id: service } of node === undefined ? [] : needed(node)) {
      const left = users.get(service);
      if (left?.delete(id) !== true || left.size > 0) continue;
      const one = running.get(service);
      if (one === undefined) leave(service);
      else if (lasting === undefined) one.serving.stop();
    }
  };

  return {
    isService: (id) => services.has(id),
    async open() {
      const ids = [...graph.nodes.values()].filter((node) => isServiceNode(graph, node)).map(({ id }) => id);
      await lasting?.retain(new Set(ids));
    },
    ready,
    signalOf(node, own) {
      const lost = needed(node).flatMap(({ id }) => losses.get(id) ?? []);
      return lost.length === 0 ? own : AbortSignal.any([own, ...lost]);
    },
    leave,
    async close() {
      if (lasting !== undefined)
        for (const [id, { node, serving, isKept }] of [...running]) {
          running.delete(id);
          ended(node, isKept ? { how: "kept" } : { how: "ran", startedMs: serving.startedMs });
          serving.tellTo(undefined);
        }
      // All that needed them have left: each is stopping, or is stopped when the service that needs it has ended.
      while (running.size > 0) await Promise.race([...running.values()].map(({ over }) => over));
      release?.();
      for (const node of services.values()) if (!started.has(node.id)) ended(node, { how: "unused" });
    },
  };
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  return await Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
