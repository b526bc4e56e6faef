/** Signals that end a run: the first cancels, the second kills, the third leaves. Does not know what runs. */

export interface Interrupts {
  /** Aborted by the first signal, whose name is the reason. */
  readonly first: AbortSignal;
  readonly second: AbortSignal;
  /** Ends this process by the signal it got, so that its parent sees a signal and no code. */
  readonly reraise: () => void;
  readonly stop: () => void;
}

export const endSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Shows the cursor again, which the live view hides; leaving at once skips its own end. */
const showCursor = "\u001B[?25h";

/** Starts to listen; `say` tells people what is waited for. */
export function watchInterrupts(say: (text: string) => void): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let received: NodeJS.Signals | undefined;
  let count = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    received = signal;
    count++;
    if (count === 1) {
      say(`bt: ${signal}: ending what runs; once more to kill it at once\n`);
      first.abort(signal);
    } else if (count === 2) {
      say(`bt: ${signal}: killing what runs\n`);
      second.abort(signal);
    } else {
      if (process.stderr.isTTY) say(showCursor);
      leave();
    }
  };
  const stop = (): void => {
    for (const signal of endSignals) process.off(signal, onSignal);
  };
  const leave = (): void => {
    stop();
    if (received !== undefined) process.kill(process.pid, received);
  };
  for (const signal of endSignals) process.on(signal, onSignal);
  return { first: first.signal, second: second.signal, reraise: () => received !== undefined && leave(), stop };
}
