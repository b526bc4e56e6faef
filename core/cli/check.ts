/** Everything that can be proven about a builderfile without running it. Does not know how it is printed elsewhere. */
import { isBtError, type BtError } from "../errors.ts";
import { expandPaths, findTool } from "../files.ts";
import type { Node } from "../graph.ts";
import type { Project } from "../load.ts";
import { marks, type Paint } from "../paint.ts";
import { variableName } from "../params.ts";
import { isGlob } from "../paths.ts";
import { assemble } from "../plugin.ts";
import { outlineDeclared, prepare } from "../prepare.ts";
import { renderError, renderNames } from "../report/failure.ts";

export interface Checked {
  /** How many were looked at. */
  readonly tasks: number;
  readonly mistakes: readonly BtError[];
  /** Suspicious, but no mistake. */
  readonly warnings: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** Names, params, edges, paths and tools of all tasks, but of those that need values which nobody has given. */
export async function checkProject(project: Project, env: Env): Promise<Checked> {
  const { catalog } = assemble(project.builder);
  const words = [...catalog.tasks.values()].filter(({ task }) => task.private !== true).map(({ name }) => name);
  const first = await checkTasks(project, words, env);
  if (!first.isOpen) return { tasks: catalog.tasks.size, ...first };
  const open = await findOpen(project, env);
  const left = words.filter((word) => open.has(word));
  const closed = words.filter((word) => !open.has(word));
  const second = await checkTasks(project, closed, env);
  const known = new Set(first.mistakes.map(({ message }) => message));
  return {
    tasks: closed.length,
    mistakes: [...first.mistakes, ...second.mistakes.filter(({ message }) => !known.has(message))],
    warnings: [...second.warnings, `Not checked, because they need values: ${renderNames(left, 20)}`],
  };
}

interface Found extends Omit<Checked, "tasks"> {
  /** A value is missing that is given when the task is run, and nothing behind it was looked at. */
  readonly isOpen: boolean;
}

async function checkTasks(project: Project, words: readonly string[], env: Env): Promise<Found> {
  if (words.length === 0) return { mistakes: [], warnings: [], isOpen: false };
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
    return { mistakes: [], warnings: findSuspicions(project.root, [...graph.nodes.values()], env), isOpen: false };
  } catch (error) {
    const all: unknown[] = error instanceof AggregateError ? error.errors : [error];
    const mistakes = all.filter(isBtError);
    if (mistakes.length < all.length) throw error;
    const real = mistakes.filter(({ code }) => code !== "PARAM_MISSING");
    return { mistakes: real, warnings: [], isOpen: real.length < mistakes.length };
  }
}

function findSuspicions(root: string, nodes: readonly Node[], env: Env): readonly string[] {
  const empty = nodes.flatMap((node) => {
    const globs = (node.inputs ?? []).filter((input) => isGlob(input) && !input.startsWith("!"));
    return globs
      .filter((glob) => expandPaths(root, [glob], isGlob).length === 0)
      .map((glob) => `Task "${node.id}": no file matches "${glob}"`);
  });
  const missing = nodes.flatMap((node) =>
    (node.task.tools ?? [])
      .filter((tool) => findTool(tool, env["PATH"] ?? "") === undefined)
      .map((tool) => `Task "${node.id}" needs "${tool}", which is not on PATH`),
  );
  return [...new Set([...empty, ...missing])];
}

/** Tasks that have a param without a value, and all that need one of them. */
async function findOpen(project: Project, env: Env): Promise<ReadonlySet<string>> {
  const { settings } = assemble(project.builder);
  const nodes = [...(await outlineDeclared(project)).nodes.values()];
  const isOpen = ({ task, params }: Node): boolean =>
    Object.entries(task.params ?? {}).some(([name, param]) => {
      const variable = variableName(name, param);
      const given = [env[variable] || undefined, settings.params[variable], params[name]?.value];
      return param.required && given.every((value) => value === undefined);
    });
  const dependents = new Map<string, string[]>();
  for (const { id, edges } of nodes)
    for (const { to } of edges) dependents.set(to, [...(dependents.get(to) ?? []), id]);
  const open = new Set(nodes.filter(isOpen).map(({ id }) => id));
  for (const id of open) for (const next of dependents.get(id) ?? []) open.add(next); // Those added are visited as well.
  return open;
}

export function renderCheck({ tasks, mistakes, warnings }: Checked, paint: Paint): string {
  const notes = warnings.map((text) => `${paint.warn(marks.warning)} ${text}\n`).join("");
  if (mistakes.length > 0) return notes + mistakes.map((mistake) => renderError(mistake, paint)).join("");
  return `${notes}${paint.good(marks.done)} ${tasks === 1 ? "1 task is" : `${tasks} tasks are`} sound\n`;
}
