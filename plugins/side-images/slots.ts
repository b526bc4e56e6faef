/** So many cells at a time, the others wait in order. Does not know what they do. */

export interface Slots {
  /** Waits for its turn; the returned function ends it. Rejects when aborted while waiting. */
  readonly take: (signal: AbortSignal) => Promise<() => void>;
}

/** 0: all at once. */
export function createSlots(count: number): Slots {
  let free = count === 0 ? Number.POSITIVE_INFINITY : count;
  const waiting: (() => void)[] = [];
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  return {
    take: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      if (signal.aborted) give();
      signal.throwIfAborted();
      return give;
    },
  };
}
