/** How an action starts programs and says something: the types of its context. Does not know what a task is. */
import type { Shell as ZxShell } from "zx/core";

/** `$` of zx, bound to its task: its output is streamed, masked and logged, and its processes end with the task. */
export type Shell = ZxShell;

/** How one program is started. */
export interface ExecOptions {
  /** Relative to the project root. Default: the task's `cwd`. */
  readonly cwd?: string;
  /** Added to the task's environment; undefined removes. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds. Default: none. */
  readonly timeoutMs?: number;
  /** Exit codes that are no failure. Default: [0]. */
  readonly allowedCodes?: readonly number[] | "any";
  /** `false` keeps standard output off the screen and the log; it is still returned. Default: true. */
  readonly show?: boolean;
}
export interface ExecResult {
  readonly exitCode: number;
  /** Without the last newline. */
  readonly stdout: string;
  readonly stderr: string;
}

/** What an action says besides its commands' output. */
export interface Log {
  readonly info: (text: string) => void;
  readonly warn: (text: string) => void;
  /** What it is at now: stands beside its name while it runs, until the next. Printed nowhere else. */
  readonly step: (text: string) => void;
}
