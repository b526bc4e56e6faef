/** Waits until a service can be used. Does not know how it was started. */
import { connect } from "node:net";

/** When a service can be used; all that are given must hold. */
export interface Readiness {
  /** A line of its output holds this. */
  readonly line?: string | RegExp;
  /** Something listens on this port of 127.0.0.1. */
  readonly port?: number;
  /** This address answers with a status below 400. */
  readonly http?: string;
  /** This command succeeds. */
  readonly command?: string;
  /** Milliseconds it may take. Default: 60,000. */
  readonly timeoutMs?: number;
}

/** How often is asked again. Milliseconds. */
const pollMs = 100;
/** Milliseconds. */
export const defaultPatienceMs = 60_000;

export interface ReadinessOptions {
  /** Resolves when a line of the output has said so. */
  readonly said: (matches: (line: string) => boolean, signal: AbortSignal) => Promise<void>;
  /** Whether a command succeeds. */
  readonly ask: (command: string, signal: AbortSignal) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Resolves when all conditions hold. Rejects with the reason of the signal. */
export async function waitReady(
  { line, port, http, command }: Readiness,
  { said, ask, signal }: ReadinessOptions,
): Promise<void> {
  const until = (holds: () => Promise<boolean>): Promise<void> => poll(holds, signal);
  await Promise.all([
    line === undefined ? undefined : said((text) => holdsLine(text, line), signal),
    port === undefined ? undefined : until(() => isOpen(port, signal)),
    http === undefined ? undefined : until(() => answers(http, signal)),
    command === undefined ? undefined : until(() => ask(command, signal)),
  ]);
}

function holdsLine(text: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string"
    ? text.includes(wanted)
    : new RegExp(wanted, wanted.flags.replace(/[gy]/g, "")).test(text);
}

async function poll(holds: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await holds())) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  signal.throwIfAborted();
}

function isOpen(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, signal });
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

async function answers(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { signal });
    await response.body?.cancel();
    return response.status < 400;
  } catch {
    return false;
  }
}
