/** The list of tasks and the help of one, as text and as data. Pure; does not know where it is printed. */
import { cellsOf, type Catalog, type NamedTask } from "../catalog.ts";
import { paramText } from "../environment.ts";
import type { Paint } from "../paint.ts";
import { describeType, optionName, variableName } from "../params.ts";
import type { Param } from "../task.ts";
import { isOwnOption } from "./args.ts";

/** One task for machines. */
export interface ListedTask {
  readonly name: string;
  readonly plugin?: string;
  readonly description?: string;
  readonly aliases: readonly string[];
  readonly tags: readonly string[];
  readonly cells: readonly string[];
  readonly isDefault: boolean;
  readonly params: readonly ListedParam[];
}
export interface ListedParam {
  readonly name: string;
  /** `--image-tag`. Absent: bt has an option of that name. */
  readonly option?: string;
  readonly variable: string;
  readonly type: string;
  readonly required: boolean;
  /** Absent for secrets and where there is none. */
  readonly default?: string;
  readonly description?: string;
}

/** Public tasks in the order of the builderfile, its own ones first. */
export function listTasks(catalog: Catalog): ListedTask[] {
  const all = [...catalog.tasks.values()].filter(({ task }) => task.private !== true);
  return [...all.filter(({ plugin }) => plugin === undefined), ...all.filter(({ plugin }) => plugin !== undefined)].map(
    (named) => describeTask(named, catalog),
  );
}

export function describeTask({ name, task, plugin }: NamedTask, catalog: Catalog): ListedTask {
  return {
    name,
    ...(plugin === undefined ? {} : { plugin }),
    ...(task.description === undefined ? {} : { description: task.description }),
    aliases: task.aliases ?? [],
    tags: task.tags ?? [],
    cells: task.matrix === undefined ? [] : [...cellsOf(task.matrix).keys()],
    isDefault: catalog.defaultTask === name,
    params: Object.entries(task.params ?? {}).map(([param, declared]) => describeParam(param, declared)),
  };
}

function describeParam(name: string, param: Param): ListedParam {
  const hasDefault = param.default !== undefined && param.kind !== "secret";
  return {
    name,
    ...(isOwnOption(optionName(name)) ? {} : { option: `--${optionName(name)}` }),
    variable: variableName(name, param),
    type: describeType(param),
    required: param.required,
    ...(hasDefault ? { default: paramText(param.default) } : {}),
    ...(param.description === undefined ? {} : { description: param.description }),
  };
}

/** The list as people see it, ending in a newline. */
export function renderList(tasks: readonly ListedTask[], paint: Paint): string {
  if (tasks.length === 0) return "bt: The builderfile has no tasks yet\n";
  const width = Math.min(32, Math.max(...tasks.map((task) => task.name.length)));
  const groups = new Map<string, ListedTask[]>();
  for (const task of tasks) groups.set(task.plugin ?? "", [...(groups.get(task.plugin ?? "") ?? []), task]);
  return [...groups]
    .map(
      ([plugin, members]) =>
        `${paint.strong(plugin === "" ? "Tasks" : plugin)}\n${members.map((task) => renderLine(task, width, paint)).join("")}`,
    )
    .join("\n");
}

function renderLine(task: ListedTask, width: number, paint: Paint): string {
  const notes = [
    ...(task.isDefault ? ["default"] : []),
    ...(task.aliases.length > 0 ? [`also ${task.aliases.join(", ")}`] : []),
    ...(task.cells.length > 0 ? [renderCells(task.cells)] : []),
    ...(task.params.length > 0 ? [renderNames(task.params)] : []),
  ];
  const note = notes.length === 0 ? "" : `  ${paint.dim(`[${notes.join(" · ")}]`)}`;
  return (
    `  ${paint.good(task.name)}${" ".repeat(Math.max(0, width - task.name.length))}  ${task.description ?? ""}${note}`.trimEnd() +
    "\n"
  );
}

/** How many params that may be left out a line of the list names; help names all. */
const shownParams = 3;

/** How many cells of a task are named; `--list --json` and completion name all. */
const shownCells = 12;

/** At most so many lines or words, of which the last may count what was left out; `hint` says where that is named. "1 more" would take the place of its name. */
export function shorten(all: readonly string[], most: number, hint = ""): readonly string[] {
  return all.length <= most ? all : [...all.slice(0, most - 1), `and ${all.length - most + 1} more${hint}`];
}

/** One a line, for `--help`. */
function helpCells({ name, cells }: Pick<ListedTask, "name" | "cells">): readonly string[] {
  const names = cells.map((cell) => `${name}:${cell}`);
  return shorten(names, shownCells, "; `bt --list --json` names all").map((line) => `  ${line}`);
}

function renderCells(cells: readonly string[]): string {
  return shorten(cells, shownCells).join(" ");
}

function renderNames(params: readonly ListedParam[]): string {
  const required = params.filter((param) => param.required).map(({ variable }) => `${variable}=…`);
  const optional = params.filter((param) => !param.required).map(({ variable }) => variable);
  return [...required, ...shorten(optional, shownParams)].join(" ");
}

/** The help of one task, ending in a newline. */
export function renderTaskHelp(task: ListedTask, values: Readonly<Record<string, string>>, paint: Paint): string {
  const lines = [
    paint.strong(
      `bt ${task.name}${task.params.map((param) => (param.required ? ` ${param.variable}=…` : "")).join("")}`,
    ),
  ];
  if (task.description !== undefined) lines.push(`  ${task.description}`);
  if (task.aliases.length > 0) lines.push(`  Also called ${task.aliases.join(", ")}`);
  if (task.cells.length > 0) lines.push("", paint.strong("Cells"), ...helpCells(task));
  if (task.params.length > 0) lines.push("", paint.strong("Params"));
  for (const param of task.params) {
    const facts = [
      param.type,
      param.required ? "required" : param.default === undefined ? "optional" : `default: ${param.default || "(empty)"}`,
      ...(values[param.name] === undefined ? [] : [`now: ${values[param.name]}`]),
    ];
    const isFlag = param.type === "flag";
    const variable = paint.good(`${param.variable}=${isFlag ? "yes" : "VALUE"}`);
    const option = isFlag ? `${param.option}, --no-${param.option?.slice(2)}` : `${param.option} VALUE`;
    lines.push(
      `  ${param.option === undefined ? variable : `${paint.good(option)}  or  ${variable}`}`,
      `      ${param.description === undefined ? "" : `${param.description}. `}${paint.dim(`(${facts.join("; ")})`)}`,
    );
  }
  return `${lines.join("\n")}\n`;
}
