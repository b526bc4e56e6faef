/** All tasks of a builderfile by name, and which of them a word means. Pure; does not know params or order. */
import picomatch from "picomatch";
import { throwAll } from "./errors.ts";
import { nameClash, type NameOwner } from "./errors/builderfile.ts";
import { cellUnknown, handleUnlisted, taskUnknown, type Asker } from "./errors/graph.ts";
import { selectionEmpty, taskPrivate } from "./errors/request.ts";
import type { Matrix } from "./matrix.ts";
import type { Need, NeedInput, TaskBase } from "./task.ts";

/** A task under the name people call it by. */
export interface NamedTask {
  readonly name: string;
  readonly task: TaskBase;
  /** Plugin that contributed it. Absent: the builderfile itself. */
  readonly plugin?: string;
}

export interface Catalog {
  /** In the order of the builderfile. */
  readonly tasks: ReadonlyMap<string, NamedTask>;
  readonly aliases: ReadonlyMap<string, string>;
  readonly handles: ReadonlyMap<object, string>;
  /** Task that runs when none is named. */
  readonly defaultTask?: string;
}

/** A task, or one cell of it. */
export interface Address {
  readonly name: string;
  /** Absent: the whole task, with all its cells. */
  readonly cellName?: string;
}

/**
 * The tasks by name, alias and handle.
 * @throws BtError or AggregateError of BtErrors NAME_CLASH, TASK_UNKNOWN, HANDLE_UNLISTED
 */
export function createCatalog(
  named: readonly NamedTask[],
  options: { readonly defaultTask?: string | TaskBase } = {},
): Catalog {
  const tasks = new Map<string, NamedTask>();
  const aliases = new Map<string, string>();
  const handles = new Map<object, string>();
  const mistakes: Error[] = [];
  for (const entry of named) {
    const taken = tasks.get(entry.name);
    if (taken !== undefined) mistakes.push(nameClash(entry.name, [ownerOf(taken), ownerOf(entry)], entry.task.site));
    tasks.set(entry.name, entry);
    handles.set(entry.task.handle, entry.name);
  }
  for (const { name, task, plugin } of named) {
    for (const alias of task.aliases ?? []) {
      const other = tasks.get(aliases.get(alias) ?? "");
      const taken = tasks.get(alias) ?? other;
      const owner = { plugin, aliasOf: name };
      if (taken !== undefined && taken.name !== name)
        mistakes.push(nameClash(alias, [ownerOf(taken, taken === other ? taken.name : undefined), owner], task.site));
      aliases.set(alias, name);
    }
  }
  throwAll(mistakes);
  const { defaultTask } = options;
  const catalog = { tasks, aliases, handles };
  if (defaultTask === undefined) return catalog;
  const name =
    typeof defaultTask === "string" ? findAddress(catalog, defaultTask)?.name : handles.get(defaultTask.handle);
  if (name === undefined)
    throw typeof defaultTask === "string"
      ? taskUnknown(defaultTask, callable(catalog), "default")
      : handleUnlisted(undefined, defaultTask);
  return { ...catalog, defaultTask: name };
}

function ownerOf({ plugin }: NamedTask, aliasOf?: string): NameOwner {
  return { plugin, ...(aliasOf === undefined ? {} : { aliasOf }) };
}

/** Axis to value of one cell. */
export type MatrixCell = Readonly<Record<string, string>>;

/** All combinations of a matrix by the names of their cells, the first axis slowest. */
export function cellsOf(matrix: Matrix): ReadonlyMap<string, MatrixCell> {
  const known = knownCells.get(matrix) ?? combine(matrix);
  knownCells.set(matrix, known);
  return known;
}
/** Every cell asks for all of them. */
const knownCells = new WeakMap<Matrix, ReadonlyMap<string, MatrixCell>>();

function combine(matrix: Matrix): ReadonlyMap<string, MatrixCell> {
  let cells: [string, MatrixCell][] = [["", {}]];
  for (const [axis, values] of Object.entries(matrix)) {
    cells = cells.flatMap(([name, cell]) =>
      values.map((value): [string, MatrixCell] => [
        name === "" ? value : `${name}:${value}`,
        { ...cell, [axis]: value },
      ]),
    );
  }
  return new Map(cells);
}

/** What a word such as `build`, `b` (an alias) or `build:s390x` means. Undefined: nothing. */
export function findAddress(catalog: Omit<Catalog, "defaultTask">, word: string): Address | undefined {
  const whole = catalog.tasks.get(word) ?? catalog.tasks.get(catalog.aliases.get(word) ?? "");
  if (whole !== undefined) return { name: whole.name };
  for (let at = word.lastIndexOf(":"); at > 0; at = word.lastIndexOf(":", at - 1)) {
    const owner = findAddress(catalog, word.slice(0, at));
    const matrix =
      owner === undefined || owner.cellName !== undefined ? undefined : catalog.tasks.get(owner.name)?.task.matrix;
    const cellName = word.slice(at + 1);
    if (owner !== undefined && matrix !== undefined && cellsOf(matrix).has(cellName))
      return { name: owner.name, cellName };
  }
  return undefined;
}

/** How tasks are picked on a command line. */
export interface Selection {
  /** Names, cells, aliases and globs. Empty: what the tags pick, else the default task. */
  readonly words: readonly string[];
  readonly tags?: readonly string[];
  /** Names and globs to leave out. */
  readonly except?: readonly string[];
}

/**
 * The tasks that a command line asks for, each once, in its order.
 * @throws BtError or AggregateError of BtErrors TASK_UNKNOWN, CELL_UNKNOWN, TASK_PRIVATE; SELECTION_EMPTY
 */
export function select(catalog: Catalog, { words, tags = [], except = [] }: Selection): readonly Address[] {
  const picked = new Map<string, Address>();
  const add = (address: Address): unknown => picked.set(addressText(address), address);
  const mistakes: unknown[] = [];
  for (const word of words) {
    if (/[*?[{]/.test(word)) for (const name of publicNames(catalog).filter(globMatcher([word]))) add({ name });
    else {
      const address = findAddress(catalog, word);
      if (address === undefined) mistakes.push(wordUnknown(catalog, word, "command line"));
      else if (catalog.tasks.get(address.name)?.task.private === true) mistakes.push(taskPrivate(word));
      else add(address);
    }
  }
  throwAll(mistakes);
  if (tags.length > 0) {
    for (const name of publicNames(catalog))
      if (catalog.tasks.get(name)?.task.tags?.some((tag) => tags.includes(tag))) add({ name });
  }
  if (words.length === 0 && tags.length === 0 && catalog.defaultTask !== undefined) add({ name: catalog.defaultTask });
  const dropped = globMatcher(except);
  const left = [...picked.values()].filter(
    (address) => except.length === 0 || !(dropped(address.name) || dropped(addressText(address))),
  );
  if (left.length === 0) throw selectionEmpty({ words, tags, except });
  return left;
}

/** What is wrong with a word that means nothing: the task, or only its cell. */
function wordUnknown(catalog: Omit<Catalog, "defaultTask">, word: string, asker: Asker): Error {
  const at = word.indexOf(":");
  const owner = at === -1 ? undefined : findAddress(catalog, word.slice(0, at));
  const { matrix } = catalog.tasks.get(owner?.name ?? "")?.task ?? {};
  if (owner === undefined || matrix === undefined) return taskUnknown(word, callable(catalog), asker);
  return cellUnknown(
    owner.name,
    word.slice(at + 1),
    [...cellsOf(matrix).keys()],
    typeof asker === "object" ? asker.site : undefined,
  );
}

/** Matches task names; `*` crosses `:`, as names are no paths. */
function globMatcher(globs: readonly string[]): (name: string) => boolean {
  return picomatch([...globs], { bash: true });
}

function publicNames(catalog: Omit<Catalog, "defaultTask">): string[] {
  return [...catalog.tasks.values()].filter(({ task }) => task.private !== true).map(({ name }) => name);
}

/** Every word that a person may write: names, aliases and cells. */
export function callable(catalog: Omit<Catalog, "defaultTask">): string[] {
  const names = publicNames(catalog);
  const cells = names.flatMap((name) => {
    const matrix = catalog.tasks.get(name)?.task.matrix;
    return matrix === undefined ? [] : [...cellsOf(matrix).keys()].map((cellName) => `${name}:${cellName}`);
  });
  return [...names, ...catalog.aliases.keys(), ...cells];
}

/** `build:s390x` */
export function addressText({ name, cellName }: Address): string {
  return cellName === undefined ? name : `${name}:${cellName}`;
}

/** A need in its long form. */
export function toNeed(input: NeedInput): Need {
  return typeof input === "object" && "need" in input ? input : { need: input, kind: "result" };
}

/** The needs of a task with the names under which results are handed over; a list uses the tasks' own names. */
export function needEntries(task: TaskBase): readonly (readonly [as: string | undefined, need: Need])[] {
  const { needs } = task;
  if (needs === undefined) return [];
  if (isList(needs)) return needs.map((input) => [undefined, toNeed(input)]);
  return Object.entries(needs).map(([as, input]) => [as, toNeed(input)]);
}

function isList(needs: NonNullable<TaskBase["needs"]>): needs is readonly NeedInput[] {
  return Array.isArray(needs);
}

/**
 * The task that a need names.
 * @throws BtError TASK_UNKNOWN, CELL_UNKNOWN, HANDLE_UNLISTED
 */
export function resolveNeed(catalog: Catalog, from: Exclude<Asker, string>, need: Need): Address {
  const found = typeof need.need === "string" ? findAddress(catalog, need.need) : nameOfHandle(catalog, need.need);
  if (found === undefined)
    throw typeof need.need === "string" ? wordUnknown(catalog, need.need, from) : handleUnlisted(from.task, need.need);
  return need.cellName === undefined || need.cellName === "" ? found : { name: found.name, cellName: need.cellName };
}

function nameOfHandle(catalog: Catalog, task: TaskBase): Address | undefined {
  const name = catalog.handles.get(task.handle);
  return name === undefined ? undefined : { name };
}
