/** One service while it runs: ready, lost, ended, and what it says, for whoever listens at the moment. Does not know who needs it or how it is attempted. */
import type { BtError } from "./errors.ts";
import { serviceEnded, serviceLost, serviceUnready } from "./errors/run.ts";
import type { EventBody } from "./event.ts";
import type { Node } from "./graph.ts";
import { defaultPatienceMs, waitReady } from "./readiness.ts";

export interface ServingOptions {
  /** What the service was started with. */
  readonly key: string;
  /** It starts when this has resolved. */
  readonly after: Promise<void>;
  /** Runs it until the signal is aborted or it ends by itself; says what it failed with, if it did. Never rejects. */
  readonly attempt: (signal: AbortSignal, tell: Tell) => Promise<{ readonly cause?: unknown }>;
  /** Whether a command succeeds beside it. */
  readonly ask: (command: string, signal: AbortSignal) => Promise<boolean>;
}

export interface Serving {
  readonly id: string;
  readonly key: string;
  readonly startedMs: number;
  /** False: it will never be. */
  readonly ready: Promise<boolean>;
  /** With an error if it was not as it should. */
  readonly ended: Promise<BtError | undefined>;
  readonly stop: () => void;
  /** Aborted when it has ended by itself; the reason is a BtError. */
  readonly lost: AbortSignal;
  /** Who hears of it from now on. Undefined: nobody; what it prints is held until somebody does. */
  readonly tellTo: (tell: Tell | undefined) => void;
}

export type Tell = (event: EventBody) => void;
type Output = Extract<EventBody, { readonly kind: "task-output" }>;

/** Lines of output that a failure shows. */
const shownLines = 10;
/** Lines, and pieces of output while nobody hears, that are kept. */
const keptLines = 1000;

export function serve({ id, task }: Node, { key, after, attempt, ask }: ServingOptions): Serving {
  const stop = new AbortController();
  const lost = new AbortController();
  const listeners = new Set<(line: string) => void>();
  let lines: string[] = [];
  let held: Output[] = [];
  let tell: Tell | undefined;
  let isReady = false;
  let error: BtError | undefined;

  const hear = (event: EventBody): void => {
    if (event.kind === "task-output" && event.stream !== "command") {
      const said = event.text.split("\n");
      lines = [...lines, ...said].slice(-keptLines);
      for (const line of said) for (const listen of listeners) listen(line);
    }
    if (tell !== undefined) tell(event);
    else if (event.kind === "task-output") held = [...held, event].slice(-keptLines);
  };
  const tail = (): readonly string[] => lines.slice(-shownLines);
  const waitForLine = (matches: (line: string) => boolean, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const listen = (line: string): void => {
        if (!matches(line)) return;
        listeners.delete(listen);
        resolve();
      };
      listeners.add(listen);
      signal.addEventListener("abort", () => (listeners.delete(listen), reject(signal.reason)), { once: true });
      for (const line of lines) listen(line);
    });

  const becomeReady = async (): Promise<boolean> => {
    await after;
    const patienceMs = task.readyWhen?.timeoutMs ?? defaultPatienceMs;
    const patience = AbortSignal.timeout(patienceMs);
    try {
      await waitReady(task.readyWhen ?? {}, {
        said: waitForLine,
        ask,
        signal: AbortSignal.any([lost.signal, patience, stop.signal]),
      });
      return (isReady = true);
    } catch (why) {
      if (why === patience.reason) error = serviceUnready(id, patienceMs, tail());
      stop.abort();
      return false;
    }
  };
  const run = async (): Promise<BtError | undefined> => {
    await after;
    const facts = await attempt(stop.signal, hear);
    if (stop.signal.aborted) return error;
    error = serviceEnded(id, { isReady, lines: tail(), ...facts });
    lost.abort(serviceLost(id, error));
    return error;
  };

  return {
    id,
    key,
    startedMs: Date.now(),
    ended: run(),
    ready: becomeReady(),
    stop: () => stop.abort(),
    lost: lost.signal,
    tellTo(next) {
      tell = next;
      if (next !== undefined) for (const event of held.splice(0)) next(event);
    },
  };
}
