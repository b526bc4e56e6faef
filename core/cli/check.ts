/** Everything that can be proven about a builderfile without running it. Does not know how it is printed elsewhere. */
import { isBtError, type BtError } from "../errors.ts";
import { expandPaths, findTool } from "../files.ts";
import type { Project } from "../load.ts";
import { marks, type Paint } from "../paint.ts";
import { isGlob } from "../paths.ts";
import { assemble } from "../plugin.ts";
import { prepare } from "../prepare.ts";
import { renderError } from "../report/failure.ts";

export interface Checked {
  readonly tasks: number;
  readonly mistakes: readonly BtError[];
  /** Suspicious, but no mistake. */
  readonly warnings: readonly string[];
}

/** Names, params, edges, paths and tools of all tasks. */
export async function checkProject(
  project: Project,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Checked> {
  const { catalog } = assemble(project.builder);
  const words = [...catalog.tasks.values()].filter(({ task }) => task.private !== true).map(({ name }) => name);
  if (words.length === 0) return { tasks: 0, mistakes: [], warnings: [] };
  try {
    const { graph, state } = await prepare(project, {
      selection: { words },
      assignments: [],
      rest: [],
      env,
      isForced: false,
      mayWrite: false,
    });
    state.close();
    const nodes = [...graph.nodes.values()];
    const empty = nodes.flatMap((node) => {
      const globs = (node.inputs ?? []).filter((input) => isGlob(input) && !input.startsWith("!"));
      return globs
        .filter((glob) => expandPaths(project.root, [glob], isGlob).length === 0)
        .map((glob) => `Task "${node.id}": no file matches "${glob}"`);
    });
    const missing = nodes.flatMap((node) =>
      (node.task.tools ?? [])
        .filter((tool) => findTool(tool, env["PATH"] ?? "") === undefined)
        .map((tool) => `Task "${node.id}" needs "${tool}", which is not on PATH`),
    );
    return { tasks: catalog.tasks.size, mistakes: [], warnings: [...new Set([...empty, ...missing])] };
  } catch (error) {
    const all: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const mistakes = all.filter(isBtError);
    if (mistakes.length < all.length) throw error;
    const real = mistakes.filter(({ code }) => code !== "PARAM_MISSING"); // Given when the task is run.
    return {
      tasks: words.length,
      mistakes: real,
      warnings: mistakes.filter(({ code }) => code === "PARAM_MISSING").map(({ message }) => message),
    };
  }
}

export function renderCheck({ tasks, mistakes, warnings }: Checked, paint: Paint): string {
  const notes = warnings.map((text) => `${paint.warn(marks.warning)} ${text}\n`).join("");
  if (mistakes.length > 0) return notes + mistakes.map((mistake) => renderError(mistake, paint)).join("");
  return `${notes}${paint.good(marks.done)} ${tasks === 1 ? "1 task is" : `${tasks} tasks are`} sound\n`;
}
