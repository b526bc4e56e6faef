/** So many at a time, the others wait in order. Does not know what they do. */

/** A number of slots. */
export interface Slots {
  /** Waits for a slot; the returned function gives it back, once. Rejects when aborted while waiting. */
  readonly take: (signal?: AbortSignal) => Promise<() => void>;
}

/** `count` slots, at least 1; Infinity: all at once. */
export function createSlots(count: number): Slots {
  let free = Math.max(1, count);
  const waiting: (() => void)[] = [];
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    take: async (signal) => {
      signal?.throwIfAborted();
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      let given = false;
      const release = (): void => {
        if (!given) give();
        given = true;
      };
      if (signal?.aborted === true) {
        release();
        signal.throwIfAborted();
      }
      return release;
    },
  };
}
