/**
 * Services of a run: started when the first task that needs one really runs, ready before that task goes on, ended when nobody is left
 * who needs them. Does not know how a task is attempted.
 */
import type { AttemptEnd } from "./attempt.ts";
import { isGroupNode, isServiceNode } from "./decide.ts";
import type { BtError } from "./errors.ts";
import { serviceEnded, serviceLost, serviceUnready } from "./errors/run.ts";
import type { EventBody } from "./event.ts";
import type { Graph, Node } from "./graph.ts";
import { defaultPatienceMs, waitReady } from "./readiness.ts";

export interface ServiceOptions {
  readonly graph: Graph;
  /** Nodes that may run. */
  readonly wanted: ReadonlySet<string>;
  /** Runs a service until the signal is aborted or it ends by itself. Never rejects. */
  readonly attempt: (node: Node, slot: number, signal: AbortSignal) => Promise<AttemptEnd>;
  /** Whether a command succeeds beside a service. */
  readonly ask: (node: Node, command: string, signal: AbortSignal) => Promise<boolean>;
  /** Says how a service ended; absent error: as it should. */
  readonly ended: (
    node: Node,
    facts: { readonly hasRun: boolean; readonly startedMs?: number; readonly error?: BtError },
  ) => void;
}

export interface Services {
  readonly isService: (id: string) => boolean;
  /** Starts the services that a node needs, and waits until they can be used. Returns the id of one that cannot. Rejects when `signal` is aborted. */
  readonly ready: (node: Node, slot: number, signal: AbortSignal) => Promise<string | undefined>;
  /** Aborted also when a service that the node needs has ended; the reason is a BtError. */
  readonly signalOf: (node: Node, own: AbortSignal) => AbortSignal;
  /** The node has ended, or will never start. */
  readonly leave: (id: string) => void;
  readonly hear: (event: EventBody) => void;
  /** Ends what still runs. */
  readonly close: () => Promise<void>;
}

interface Running {
  /** False: it will never be. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<void>;
  readonly stop: () => void;
  /** Aborted when it has ended by itself. */
  readonly lost: AbortSignal;
}

/** Lines of output that a failure shows. */
const shownLines = 10;

export function createServices({ graph, wanted, attempt, ask, ended }: ServiceOptions): Services {
  const services = new Map([...graph.nodes].filter(([id, node]) => wanted.has(id) && isServiceNode(graph, node)));
  const users = new Map([...services.keys()].map((id) => [id, new Set<string>()]));
  const running = new Map<string, Running>();
  const lines = new Map<string, string[]>();
  const listeners = new Map<string, Set<(line: string) => void>>();
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

  const started = new Set<string>();
  const start = (node: Node, slot: number): Running => {
    started.add(node.id);
    const startedMs = Date.now();
    const stop = new AbortController();
    const lost = new AbortController();
    const end = attempt(node, slot, stop.signal);
    const patienceMs = node.task.readyWhen?.timeoutMs ?? defaultPatienceMs;
    const patience = AbortSignal.timeout(patienceMs);
    let isReady = false;
    let error: BtError | undefined;
    const ready = waitReady(node.task.readyWhen ?? {}, {
      said: (matches, signal) => waitForLine(node.id, matches, signal),
      ask: (command, signal) => ask(node, command, signal),
      signal: AbortSignal.any([lost.signal, patience, stop.signal]),
    }).then(
      () => (isReady = true),
      (why: unknown) => {
        if (why === patience.reason) error = serviceUnready(node.id, patienceMs, tail(node.id));
        stop.abort();
        return false;
      },
    );
    const over = end.then((how) => {
      if (!stop.signal.aborted) {
        error = serviceEnded(node.id, {
          isReady,
          lines: tail(node.id),
          ...(how.kind === "done" ? {} : { cause: how.error }),
        });
        lost.abort(serviceLost(node.id, error));
      }
      running.delete(node.id);
      ended(node, { hasRun: true, startedMs, ...(error === undefined ? {} : { error }) });
      leave(node.id);
    });
    const made = { ready, ended: over, stop: () => stop.abort(), lost: lost.signal };
    running.set(node.id, made);
    return made;
  };

  const ready = async (node: Node, slot: number, signal: AbortSignal): Promise<string | undefined> => {
    for (const service of needed(node)) {
      const before =
        running.has(service.id) || started.has(service.id) ? undefined : await ready(service, slot, signal);
      if (before !== undefined) return before;
      const one = running.get(service.id) ?? (started.has(service.id) ? undefined : start(service, slot));
      if (one === undefined || !(await orAborted(one.ready, signal))) return service.id;
    }
    return undefined;
  };

  const leave = (id: string): void => {
    const node = graph.nodes.get(id);
    for (const { id: service } of node === undefined ? [] : needed(node)) {
      const left = users.get(service);
      if (left?.delete(id) !== true || left.size > 0) continue;
      const one = running.get(service);
      if (one !== undefined) one.stop();
      else leave(service);
    }
  };

  const waitForLine = (id: string, matches: (line: string) => boolean, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const heard = listeners.get(id) ?? new Set();
      listeners.set(id, heard);
      const listen = (line: string): void => {
        if (!matches(line)) return;
        heard.delete(listen);
        resolve();
      };
      heard.add(listen);
      signal.addEventListener("abort", () => (heard.delete(listen), reject(signal.reason)), { once: true });
      for (const line of lines.get(id) ?? []) listen(line);
    });

  const tail = (id: string): readonly string[] => lines.get(id)?.slice(-shownLines) ?? [];

  return {
    isService: (id) => services.has(id),
    ready,
    signalOf(node, own) {
      const lost = needed(node).flatMap(({ id }) => running.get(id)?.lost ?? []);
      return lost.length === 0 ? own : AbortSignal.any([own, ...lost]);
    },
    leave,
    hear(event) {
      if (event.kind !== "task-output" || event.stream === "command" || !services.has(event.task)) return;
      const said = event.text.split("\n");
      lines.set(event.task, [...(lines.get(event.task) ?? []), ...said].slice(-1000));
      for (const line of said) for (const listen of listeners.get(event.task) ?? []) listen(line);
    },
    async close() {
      // All that needed them have left: each is stopping, or is stopped when the service that needs it has ended.
      while (running.size > 0) await Promise.race([...running.values()].map((one) => one.ended));
      for (const node of services.values()) if (!started.has(node.id)) ended(node, { hasRun: false });
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
