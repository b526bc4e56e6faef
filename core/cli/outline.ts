/** All tasks of a catalog in the form that completion keeps. Pure; does not know where it is kept. */
import { needEntries, resolveNeed, cellsOf, type Catalog, type NamedTask } from "../catalog.ts";
import { describeType, optionName, variableName } from "../params.ts";
import { platformTable } from "../platform.ts";
import type { Param } from "../task.ts";
import { isOwnOption } from "./args.ts";
import type { Outline, OutlinedParam, OutlinedTask } from "./complete.ts";

/** Private tasks too: their params may be given for those that need them. */
export function outlineTasks(catalog: Catalog): Outline {
  const all = [...catalog.tasks.values()];
  const inOrder = [
    ...all.filter(({ plugin }) => plugin === undefined),
    ...all.filter(({ plugin }) => plugin !== undefined),
  ];
  const params = new Map<string, { readonly at: number; readonly param: OutlinedParam }>();
  const placeOf = (param: OutlinedParam): number => {
    const text = JSON.stringify(param);
    const known = params.get(text) ?? { at: params.size, param };
    params.set(text, known);
    return known.at;
  };
  const tasks = inOrder.map((named) => outlineTask(named, catalog, placeOf));
  return { tasks, params: [...params.values()].map(({ param }) => param) };
}

function outlineTask(
  { name, task }: NamedTask,
  catalog: Catalog,
  placeOf: (param: OutlinedParam) => number,
): OutlinedTask {
  const params = Object.entries(task.params ?? {});
  const needs = needNames(name, task, catalog);
  const { description, aliases = [], tags = [], matrix } = task;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(matrix === undefined ? {} : { cells: [...cellsOf(matrix).keys()] }),
    ...(params.length === 0 ? {} : { params: params.map(([key, param]) => placeOf(outlineParam(key, param))) }),
    ...(needs.length === 0 ? {} : { needs }),
    ...(task.private === true ? { isPrivate: true } : {}),
    ...(catalog.defaultTask === name ? { isDefault: true } : {}),
  };
}

/** A need that names nothing is told of when the task is asked for. */
function needNames(name: string, task: NamedTask["task"], catalog: Catalog): string[] {
  return needEntries(task).flatMap(([, need]) => {
    try {
      return [resolveNeed(catalog, { task: name, site: task.site }, need).name];
    } catch {
      return [];
    }
  });
}

function outlineParam(name: string, param: Param): OutlinedParam {
  const words = param.kind === "arch" ? platformTable.map(({ arch }) => arch) : (param.values ?? []);
  const description = param.description ?? describeType(param);
  return {
    variable: variableName(name, param),
    ...(isOwnOption(optionName(name)) ? {} : { option: `--${optionName(name)}` }),
    kind: kindOf(param, words),
    ...(words.length === 0 ? {} : { words }),
    description,
  };
}

function kindOf({ kind }: Param, words: readonly string[]): OutlinedParam["kind"] {
  if (kind === "flag") return "flag";
  if (kind === "path") return "file";
  if (words.length === 0) return "text";
  return kind === "list" ? "list" : "words";
}
