/** The log of a build: what its task prints, as it comes and masked. Does not know what is built. */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import type { Event } from "../../core/index.ts";
import { dicePath, files, giveToUser, makeDice } from "./state.ts";

/** Logs that are being written, by the id of their task. */
export type Logs = Map<string, number>;

/** Takes what a task prints into its log, if it has one. */
export function writeEvent(logs: Logs, event: Event): void {
  if (event.kind !== "task-output") return;
  const log = logs.get(event.task);
  if (log !== undefined) writeSync(log, `${event.stream === "command" ? "$ " : ""}${event.text}\n`);
}

/** Begins a log; the last one is kept beside it. Returns what ends it. */
export function startLog(logs: Logs, task: string, recipe: string): () => void {
  makeDice(recipe);
  const path = dicePath(recipe, files.log);
  if (existsSync(path)) renameSync(path, `${path}.1`);
  const log = openSync(path, "w", 0o644);
  giveToUser(recipe, files.log);
  logs.set(task, log);
  return () => {
    if (logs.get(task) !== log) return;
    logs.delete(task);
    closeSync(log);
  };
}

/** The end of a log, and the first line of KIWI's that tells a mistake. */
export function readFailure(recipe: string, lines = 40): { readonly tail: readonly string[]; readonly said?: string } {
  const path = dicePath(recipe, files.log);
  const all = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  const said = all.find((line) => /\[ ERROR\s*\]|\bKiwi\w*Error\b/.test(line));
  return {
    tail: all.slice(-lines),
    ...(said === undefined
      ? {}
      : {
          said: said
            .replace(/^\[ ERROR\s*\]:\s*(\d\d:\d\d:\d\d \| )?/, "")
            .trim()
            .slice(0, 200),
        }),
  };
}
