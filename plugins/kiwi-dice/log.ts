/** The log of a build: what its task prints, as it comes and masked. Does not know what is built. */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import type { Event } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import type { Setup } from "./setup.ts";
import { dicePath, files, giveToUser, makeDice } from "./state.ts";

/** Logs that are being written, by the id of their task. */
export type Logs = Map<string, number>;

/** From now on what a task prints goes into its log, and KIWI's messages become its steps. */
export function listen(bench: Pick<Bench, "name" | "log" | "defer">, setup: Setup): void {
  setup.write = (event) => {
    if (event.kind !== "task-output") return;
    writeOutput(setup.logs, event);
    const hear = setup.steps.get(event.task);
    if (hear !== undefined && event.stream !== "command") queueMicrotask(() => hear(event.text)); // After all have heard the line itself.
  };
  setup.steps.set(bench.name, followSteps(bench.log.step));
  bench.defer(() => setup.steps.delete(bench.name));
}

/** Takes what a task prints into its log, if it has one. */
function writeOutput(logs: Logs, event: Extract<Event, { readonly kind: "task-output" }>): void {
  const log = logs.get(event.task);
  if (log !== undefined) writeSync(log, `${event.stream === "command" ? "$ " : ""}${event.text}\n`);
}

/** Hears what KIWI prints, and tells what it is at: its messages without their details, with the percentage where it counts. */
export function followSteps(tell: (step: string) => void): (text: string) => void {
  let [message, last] = ["", ""];
  return (text) => {
    for (const [, said, percent] of text.matchAll(stepPattern)) {
      message = said ?? message;
      const isCounted = percent !== undefined && percent !== "0" && percent !== "100"; // KIWI counts few of the packages.
      const step = isCounted ? `${message}, ${percent} %` : message;
      if (step !== last) tell(step);
      last = step;
    }
  };
}

/** `[ INFO    ]: 08:15:00 | Installing system packages`, not `… | --> package: bash`; `[ INFO    ]: Processing: [####    ] 50%`. */
const stepPattern = /\[ INFO +\]: (?:\d[\d:]+ \| (?!--> )(.*\S)|Processing: \[[# ]*\] (\d+)%)/g;

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
