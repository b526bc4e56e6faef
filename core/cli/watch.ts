/** Runs tasks again whenever something changes that they depend on. Does not know how they run. */
import * as path from "node:path";
import { renderError } from "../report/failure.ts";
import { createLasting, type Lasting } from "../lasting.ts";
import type { Project } from "../load.ts";
import type { Paint } from "../paint.ts";
import type { Prepared } from "../prepare.ts";
import { createRunId } from "../record.ts";
import { createLook, waitForChange } from "../watch.ts";
import { endSignals } from "./interrupt.ts";
import { writeText } from "./print.ts";

export interface WatchOptions {
  /** Loads the project as it is now. Rejects when the builderfile is broken. */
  readonly load: () => Promise<Project>;
  /** Runs the tasks; a failing one does not reject. Services stay for the next time. */
  readonly run: (project: Project, lasting: Lasting) => Promise<unknown>;
  readonly prepare: (project: Project) => Promise<Prepared>;
  readonly paint: Paint;
}

/** Files that are named when they change; more are counted. */
const namedFiles = 3;

/** Never resolves: a signal ends it, a running build and the services first. Rejects when the first load or look fails. */
export async function watchTasks(first: Project, options: WatchOptions): Promise<never> {
  const end = new AbortController();
  const lasting = createLasting(first.root, `watch-${createRunId(new Date())}`);
  let count = 0;
  // Listens all the time: a signal that comes while a run stops listening would be lost.
  const onSignal = (signal: NodeJS.Signals): void => {
    count++;
    if (count === 1) end.abort(signal);
    else if (count === 2) lasting.kill();
    else leave(signal);
  };
  const leave = (signal: NodeJS.Signals): void => {
    for (const name of endSignals) process.off(name, onSignal);
    process.kill(process.pid, signal);
  };
  for (const signal of endSignals) process.on(signal, onSignal);
  try {
    return await watchUntil(first, { ...options, lasting }, end.signal);
  } catch (error) {
    const names = lasting.names();
    if (names.length > 0) writeText(2, `bt: Stopping ${names.join(", ")}\n`);
    await lasting.close();
    if (!end.signal.aborted) throw error;
    leave(end.signal.reason as NodeJS.Signals); // As onSignal gave it.
    return await new Promise<never>(() => {});
  }
}

/** Rejects with the reason of the signal. */
async function watchUntil(
  first: Project,
  { load, run, prepare, paint, lasting }: WatchOptions & { readonly lasting: Lasting },
  signal: AbortSignal,
): Promise<never> {
  let project = first;
  for (;;) {
    let look = createLook(await prepare(project));
    const before = look();
    signal.throwIfAborted();
    await run(project, lasting);
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
