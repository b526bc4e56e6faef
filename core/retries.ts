/** How often a task is tried again, and after what. Does not know what a try is. */

export interface Retries {
  /** Tries after the first. */
  readonly times: number;
  /** Before the second try. Default: 0. */
  readonly delayMs?: number;
  /** Each delay is the last one times this. Default: 2. */
  readonly factor?: number;
  /** What is tried again. Default: ["failure"]. */
  readonly on?: readonly ("failure" | "timeout")[];
}

/** The same with every default in its place. */
export function toRetries(retries: number | Retries | undefined): Required<Retries> {
  return {
    times: 0,
    delayMs: 0,
    factor: 2,
    on: ["failure"],
    ...(typeof retries === "number" ? { times: retries } : retries),
  };
}
