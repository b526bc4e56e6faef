/** Work in the background, a little of it at a time. Does not know what it is. */

export interface Lanes {
  readonly add: (work: () => Promise<void>) => void;
  /** Waits until all is done, or, when there is a limit, no longer than that. Returns how much is left. */
  readonly end: (limit?: { readonly ms: number; readonly signal: AbortSignal }) => Promise<number>;
}

/** Pieces of work done at the same time. */
const width = 2;

export function createLanes(onError: (error: unknown) => void): Lanes {
  const waiting: (() => Promise<void>)[] = [];
  const running = new Set<Promise<void>>();
  const next = (): void => {
    const work = running.size < width ? waiting.shift() : undefined;
    if (work === undefined) return;
    const done = work()
      .catch(onError)
      .finally(() => (running.delete(done), next()));
    running.add(done);
  };
  const drain = async (): Promise<true> => {
    while (running.size > 0) await Promise.all(running);
    return true;
  };
  return {
    add(work) {
      waiting.push(work);
      next();
    },
    async end(limit) {
      if (limit === undefined) await drain();
      else await within(drain(), limit);
      return waiting.length + running.size;
    },
  };
}

/** Settles with the work, or when the time is up or the signal given. */
async function within(
  work: Promise<unknown>,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  let stop: () => void = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const timer = setTimeout(stop, ms);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  await Promise.race([work, stopped]);
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}
