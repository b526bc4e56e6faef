/** What may stand at the cursor of a command line that begins with `bt`. Pure; does not know shells, nor where the tasks come from. */
import { listOptions, type OptionFact } from "./option-table.ts";

/** The tasks as far as completion needs them; kept in `.bt/` for the next TAB. */
export interface Outline {
  readonly tasks: readonly OutlinedTask[];
  /** Each once, however many tasks have it. */
  readonly params: readonly OutlinedParam[];
}
export interface OutlinedTask {
  readonly name: string;
  readonly description?: string;
  readonly aliases?: readonly string[];
  readonly tags?: readonly string[];
  readonly cells?: readonly string[];
  /** Their places in the outline's `params`. */
  readonly params?: readonly number[];
  /** Names of the tasks that it needs: their params may be given as well. */
  readonly needs?: readonly string[];
  /** Not to be asked for by name. */
  readonly isPrivate?: true;
  readonly isDefault?: true;
}
export interface OutlinedParam {
  readonly variable: string;
  /** `--image-tag`. Absent: bt has an option of that name. */
  readonly option?: string;
  readonly kind: "flag" | "words" | "list" | "file" | "text";
  readonly words?: readonly string[];
  readonly description?: string;
}

export interface CompletionFacts extends Outline {
  /** Ids of past runs, newest first. Asked only when they are wanted. */
  readonly runs: () => readonly string[];
  readonly templates: readonly string[];
}

/** One way to go on: the whole word at the cursor. */
export interface Candidate {
  readonly word: string;
  readonly description?: string;
}
export interface Completion {
  readonly candidates: readonly Candidate[];
  /** True: no blank belongs behind the word, more of it follows. */
  readonly isOpen?: boolean;
  /** The shell knows these better: paths, behind what the word already has. */
  readonly paths?: { readonly kind: "file" | "folder"; readonly behind: string };
}

/** What a value may be. */
type Slot =
  | { readonly kind: "words"; readonly words: readonly Candidate[]; readonly isList?: boolean }
  | { readonly kind: "file" | "folder" };

/**
 * The ways to go on.
 * @param words the command line behind `bt` up to the cursor; the last one is the word at the cursor, perhaps empty
 */
export function complete(words: readonly string[], facts: CompletionFacts): Completion {
  const current = words.at(-1) ?? "";
  const line = readLine(words.slice(0, -1), facts);
  if (line.isRest) return { candidates: [], paths: { kind: "file", behind: "" } };
  if (line.slot !== undefined) return fill(line.slot, "", current);
  const at = current.indexOf("=");
  if (at > 0) {
    const slot = slotOf(current.slice(0, at), line.params, facts);
    return slot === undefined ? { candidates: [] } : fill(slot, current.slice(0, at + 1), current.slice(at + 1));
  }
  if (current.startsWith("-")) return narrowed(optionsOf(line, facts), current);
  const named = nameTasks(current, facts, line.tasks);
  const own = narrowed([...named, ...variablesOf(line.params, line.given)], current);
  if (own.candidates.length > 0 || current === "" || line.tasks.size > 0) return own;
  return narrowed(variablesOf(distinct(facts.params), line.given), current); // TAG=v1 may stand before its task.
}

interface Line {
  /** Tasks and aliases that stand on the line. */
  readonly tasks: ReadonlySet<string>;
  readonly params: readonly OutlinedParam[];
  /** Variables and options that have a value already. */
  readonly given: ReadonlySet<string>;
  /** What the word at the cursor is the value of. Absent: it is a word of its own. */
  readonly slot?: Slot;
  readonly isRest: boolean;
}

function readLine(before: readonly string[], facts: CompletionFacts): Line {
  const { tasks, params } = facts;
  if (before.includes("--")) return { tasks: new Set(), params: [], given: new Set(), isRest: true };
  const isTask = (word: string): boolean =>
    tasks.some(({ name, aliases }) => name === word || aliases?.includes(word) === true);
  const named = new Set<string>();
  const given = new Set<string>();
  let open: string | undefined; // An option whose value is the next word.
  for (const word of before) {
    const isValue = open !== undefined && (isNeeded(open, params) || !isTask(word));
    open = undefined;
    if (isValue || /^[\d.]+%?$/.test(word)) continue; // A number behind -j or -l.
    if (word.startsWith("-")) {
      given.add(word.split("=", 1)[0] ?? word);
      const isWhole = word.includes("=") || findOption(word)?.place === "joined";
      open = isWhole || slotOf(word, params, facts) === undefined ? undefined : word;
    } else if (word.includes("=")) given.add(word.slice(0, word.indexOf("=")));
    else named.add(word);
  }
  const targets = named.size > 0 ? [...named] : tasks.filter(({ isDefault }) => isDefault).map(({ name }) => name);
  const slot = open === undefined ? undefined : slotOf(open, params, facts);
  return {
    tasks: named,
    params: targets.length === 0 ? [] : paramsOf(targets, facts),
    given,
    isRest: false,
    ...(slot === undefined ? {} : { slot }),
  };
}

/** Whether the word behind an option is its value, whatever it looks like. */
function isNeeded(option: string, params: readonly OutlinedParam[]): boolean {
  const own = findOption(option);
  return own === undefined ? params.some((param) => param.option === option) : own.place === "next";
}

const options = listOptions();

/** `--jobs`, `-j`, `-kj` */
function findOption(word: string): OptionFact | undefined {
  if (word.startsWith("--")) return options.find(({ option }) => option === word);
  const last = `-${word.at(-1)}`;
  return /^-\w+$/.test(word) ? options.find(({ letter }) => letter === last) : undefined;
}

/** Undefined: it takes no value, or one that may be left out and that nobody can guess. */
function slotOf(left: string, params: readonly OutlinedParam[], facts: CompletionFacts): Slot | undefined {
  const variable = left.slice(left.lastIndexOf(".") + 1);
  const param = left.startsWith("-")
    ? params.find(({ option, kind }) => option === left && kind !== "flag")
    : params.find((one) => one.variable === variable);
  if (param !== undefined) return paramSlot(param);
  const own = findOption(left);
  switch (own?.value) {
    case undefined:
    case "N":
    case "X":
      return undefined; // May be left out.
    case "FILE":
      return { kind: "file" };
    case "DIR":
      return { kind: "folder" };
    case "TASK":
      return { kind: "words", words: facts.tasks.flatMap((task) => [plain(task), ...cells(task)]) };
    case "ID":
      return { kind: "words", words: facts.runs().map((word) => ({ word })) };
    case "T":
      return { kind: "words", words: unique(facts.tasks.flatMap(({ tags = [] }) => tags)) };
    case "TEMPLATE":
      return { kind: "words", words: unique(facts.templates) };
    default:
      return { kind: "words", words: unique(own?.words ?? []) };
  }
}

function unique(words: readonly string[]): Candidate[] {
  return [...new Set(words)].map((word) => ({ word }));
}

function paramSlot({ kind, words = [] }: OutlinedParam): Slot {
  if (kind === "file") return { kind: "file" };
  return { kind: "words", words: unique(kind === "flag" ? ["yes", "no"] : words), isList: kind === "list" };
}

function fill(slot: Slot, behind: string, text: string): Completion {
  if (slot.kind !== "words") return { candidates: [], paths: { kind: slot.kind, behind } };
  const head = slot.isList === true ? text.slice(0, text.lastIndexOf(",") + 1) : "";
  const used = new Set(head.split(","));
  const words = slot.words.filter(({ word }) => !used.has(word));
  const whole = words.map((one) => ({ ...one, word: `${behind}${head}${one.word}` }));
  return { ...narrowed(whole, behind + text), ...(slot.isList === true && words.length > 1 ? { isOpen: true } : {}) };
}

/** Those that begin with what is there already; if none does, upper and lower case are the same. */
function narrowed(candidates: readonly Candidate[], start: string): Completion {
  const exact = candidates.filter(({ word }) => word.startsWith(start));
  const folded = start.toLowerCase();
  const left = exact.length > 0 ? exact : candidates.filter(({ word }) => word.toLowerCase().startsWith(folded));
  return {
    candidates: left,
    ...(left.length > 0 && left.every(({ word }) => word.endsWith("=")) ? { isOpen: true } : {}),
  };
}

/** Cells come when the task is settled: a list of all of them would hide the tasks. */
function nameTasks(current: string, { tasks }: Outline, named: ReadonlySet<string>): Candidate[] {
  const folded = current.toLowerCase();
  const found: Candidate[] = [];
  const near: OutlinedTask[] = [];
  for (const task of tasks) {
    const { name, aliases = [], isPrivate } = task;
    if (isPrivate === true || named.has(name) || aliases.some((alias) => named.has(alias))) continue;
    for (const word of [name, ...aliases]) {
      if (word.toLowerCase().startsWith(folded)) found.push(plain(task, word));
      if (word.startsWith(current) || isInside(current, word))
        near.push(word === name ? task : { ...task, name: word });
    }
  }
  return [...found, ...(near.length === 1 ? near : near.filter(({ name }) => isInside(current, name))).flatMap(cells)];
}

function isInside(current: string, name: string): boolean {
  return current.startsWith(`${name}:`);
}

function plain({ name, description }: OutlinedTask, word = name): Candidate {
  return { word, ...(description === undefined ? {} : { description }) };
}
function cells({ name, description = "", cells: names = [] }: OutlinedTask): Candidate[] {
  return names.map((cell) => ({ word: `${name}:${cell}`, description: `${description} (only ${cell})`.trim() }));
}

/** The params of some tasks and of all that they need. */
function paramsOf(targets: readonly string[], { tasks, params }: Outline): OutlinedParam[] {
  const byName = new Map(
    tasks.flatMap((task) => [task.name, ...(task.aliases ?? [])].map((name) => [name, task] as const)),
  );
  const taskOf = (word: string): OutlinedTask | undefined => {
    for (let end = word.length; end > 0; end = word.lastIndexOf(":", end - 1)) {
      const found = byName.get(word.slice(0, end));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const reached = new Set(targets.flatMap((target) => taskOf(target) ?? []));
  for (const { needs = [] } of reached) for (const need of needs) reached.add(byName.get(need) ?? { name: need });
  return distinct([...reached].flatMap(({ params: places = [] }) => places.flatMap((at) => params[at] ?? [])));
}

/** One for each variable; the first that can say more wins. */
function distinct(params: readonly OutlinedParam[]): OutlinedParam[] {
  return [...new Map([...params].reverse().map((param) => [param.variable, param])).values()].reverse();
}

function variablesOf(params: readonly OutlinedParam[], given: ReadonlySet<string>): Candidate[] {
  return params
    .filter(({ variable, option }) => !given.has(variable) && (option === undefined || !given.has(option)))
    .map(({ variable, description }) => ({
      word: `${variable}=`,
      ...(description === undefined ? {} : { description }),
    }));
}

function optionsOf({ params, given }: Line, { tasks }: CompletionFacts): Candidate[] {
  const ofParams = params.flatMap(({ option, kind, description }) => {
    if (option === undefined) return [];
    const words = kind === "flag" ? [option, `--no-${option.slice(2)}`] : [option];
    return words.map((word) => ({ word, ...(description === undefined ? {} : { description }) }));
  });
  const own = options.map(({ option: word, description }) => ({ word, description }));
  const all = tasks.length === 0 ? own : [...ofParams, ...own];
  return all.filter(({ word }) => !given.has(word));
}
