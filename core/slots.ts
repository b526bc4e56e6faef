/** Permission to run tasks side by side, shared with programs that bt does not know. Only the words. */

export interface Slots {
  /** Tasks that may run at this moment. At least 1. */
  readonly allowed: () => number;
  /** Fits what is held to what runs; `wants`: one more could start at once. */
  readonly settle: (need: { readonly running: number; readonly wants: boolean }) => void;
  /** Called when more tasks may run than before. */
  readonly watch: (grown: () => void) => void;
}
