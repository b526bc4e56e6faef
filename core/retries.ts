/** How often a task is tried. Does not try. */

/** Tries after the first one. */
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
