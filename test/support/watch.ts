/** bt that watches a project, and what to wait for while it does. */
import type { ChildProcess } from "node:child_process";
import { until } from "./processes.ts";
import type { Project, Result } from "./project.ts";

export interface Watching {
  readonly child: ChildProcess;
  readonly ended: Promise<Result>;
  /** Waits until the file `log` holds exactly this. */
  readonly runs: (lines: string) => Promise<unknown>;
  /** Waits until standard error has had a text so often. */
  readonly said: (text: string, times?: number) => Promise<unknown>;
}

/** Starts `bt --watch`. */
export function watch(p: Project, ...argv: string[]): Watching {
  const { child, ended } = p.start({}, "--watch", ...argv);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return {
    child,
    ended,
    runs: (lines) => until(() => p.exists("log") && p.read("log") === lines),
    said: (text, times = 1) => until(() => stderr.split(text).length > times),
  };
}
