/** What an imported task would run, asked of the engine itself. Does not know make. */
import { build } from "../build.ts";
import { isBtError } from "../errors.ts";
import type { Reporter } from "../event.ts";
import type { Project } from "../load.ts";

/** Commands of a task and of those that it needs. */
export interface Planned {
  readonly commands: readonly { readonly task: string; readonly text: string }[];
  readonly failure?: string;
}

/** What bt would run for a task, as it says under `-n -B`. */
export async function planCommands(
  project: Project,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Planned> {
  const commands: { task: string; text: string }[] = [];
  const reporter: Reporter = {
    event: (event) =>
      void (
        event.kind === "task-output" &&
        event.stream === "command" &&
        commands.push({ task: event.task, text: event.text })
      ),
  };
  const never = new AbortController().signal;
  try {
    await build(
      project,
      {
        selection: { words: [name], tags: [], except: [] },
        assignments: [],
        rest: [],
        env,
        isForced: true,
        mayWrite: false,
      },
      {
        env,
        jobs: 1,
        keepGoing: false,
        failFast: false,
        graceMs: 0,
        interrupt: never,
        kill: never,
        confirm: async () => true,
        isDryRun: true,
        reporters: [reporter],
      },
    );
    return { commands };
  } catch (error) {
    const all: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    const first = all.find(isBtError);
    if (first === undefined) throw error;
    return { commands, failure: `bt -n: ${first.message}` };
  }
}
