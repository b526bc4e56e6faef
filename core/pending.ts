/** Commands of a task that have been started and have not ended. Does not know how they are started. */

export interface Pending {
  /** Notes a command until its end; returns a promise that fails as `end` does, and is waited for as little. */
  readonly hold: <T>(shown: string, end: Promise<T>) => Promise<T>;
  /** Waits for them, up to a grace: `yes | head` ends a moment later. What is left then. */
  readonly settle: (graceMs: number) => Promise<readonly string[]>;
}

export function createPending(): Pending {
  const running = new Map<Promise<void>, string>();
  return {
    hold(shown, end) {
      const release = (): void => void running.delete(ended);
      const ended = end.then(release, release);
      running.set(ended, shown);
      return end.then((value) => value);
    },
    async settle(graceMs) {
      if (running.size === 0) return [];
      let timer: NodeJS.Timeout | undefined;
      const grace = new Promise((resolve) => (timer = setTimeout(resolve, graceMs)));
      await Promise.race([Promise.all(running.keys()), grace]);
      clearTimeout(timer);
      await new Promise((resolve) => setImmediate(resolve)); // A failure that nobody waits for is told first.
      return [...running.values()];
    },
  };
}
