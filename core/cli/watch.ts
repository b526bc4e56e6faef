/** Runs tasks again whenever something changes that they depend on. Does not know how they run. */
import * as path from "node:path";
import { renderError } from "../report/failure.ts";
import type { Project } from "../load.ts";
import type { Paint } from "../paint.ts";
import type { Prepared } from "../prepare.ts";
import { createLook, waitForChange } from "../watch.ts";
import { endSignals } from "./interrupt.ts";
import { writeText } from "./print.ts";

export interface WatchOptions {
  /** Loads the project as it is now. Rejects when the builderfile is broken. */
  readonly load: () => Promise<Project>;
  /** Runs the tasks; a failing one does not reject. */
  readonly run: (project: Project) => Promise<unknown>;
  readonly prepare: (project: Project) => Promise<Prepared>;
  readonly paint: Paint;
}

/** Files that are named when they change; more are counted. */
const namedFiles = 3;

/** Never resolves: a signal ends it, a running build first. Rejects when the first load or look fails. */
export async function watchTasks(first: Project, options: WatchOptions): Promise<never> {
  const end = new AbortController();
  // Listens all the time: a signal that comes while a run stops listening would be lost.
  const onSignal = (signal: NodeJS.Signals): void => end.abort(signal);
  for (const signal of endSignals) process.on(signal, onSignal);
  try {
    return await watchUntil(first, options, end.signal);
  } catch (error) {
    if (!end.signal.aborted) throw error;
    for (const signal of endSignals) process.off(signal, onSignal);
    process.kill(process.pid, String(end.signal.reason));
    return await new Promise<never>(() => {});
  }
}

/** Rejects with the reason of the signal. */
async function watchUntil(
  first: Project,
  { load, run, prepare, paint }: WatchOptions,
  signal: AbortSignal,
): Promise<never> {
  let project = first;
  for (;;) {
    let look = createLook(await prepare(project));
    const before = look();
    await run(project);
    signal.throwIfAborted();
    look = createLook(await prepare(project)); // Tasks that find their inputs by looking have found others.
    writeText(2, `bt: Watching ${count(before.size, "file")}; Ctrl-C ends\n`);
    const changed = await waitForChange(look, before, signal);
    writeText(2, `bt: ${describe(changed, project.root)} changed\n`);
    try {
      const loaded = await load();
      await prepare(loaded);
      project = loaded;
    } catch (error) {
      writeText(2, renderError(error, paint));
      writeText(2, "bt: The tasks are still those of before\n");
    }
  }
}

function describe(files: readonly string[], root: string): string {
  const named = files.slice(0, namedFiles).map((file) => path.relative(root, file));
  const more = files.length - named.length;
  return `${named.join(", ")}${more > 0 ? ` and ${count(more, "other file")}` : ""}`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
