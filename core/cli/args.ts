/** Reads a command line into options, words and values. Pure; does not know which tasks there are until it is told. */
import type { Assignment } from "../assign.ts";
import { optionUnknown, optionValue, optionWrong } from "../errors/request.ts";

/** What bt itself understands. */
export interface Options {
  readonly directory?: string;
  readonly file?: string;
  readonly jobs?: string;
  readonly loadLimit?: string;
  readonly memory?: string;
  readonly disk?: string;
  readonly output?: string;
  readonly trace?: string;
  readonly report?: string;
  readonly timeout?: string;
  readonly only?: string;
  readonly graph?: string;
  readonly logs?: string;
  readonly run?: string;
  readonly vs?: string;
  readonly resume?: string;
  readonly replay?: string;
  readonly completion?: string;
  readonly cache?: string;
  readonly replayLog?: string;
  readonly tags: readonly string[];
  readonly except: readonly string[];
  /** Names of the options without a value that were given. */
  readonly flags: ReadonlySet<Flag>;
}

const flagNames = {
  "dry-run": "n",
  "keep-going": "k",
  force: "B",
  quiet: "s",
  question: "q",
  touch: "t",
  yes: "y",
  ask: undefined,
  help: "h",
  version: "V",
  list: undefined,
  why: undefined,
  audit: undefined,
  check: undefined,
  doctor: undefined,
  json: undefined,
  runs: undefined,
  ui: undefined,
  verbose: undefined,
  watch: undefined,
  "fail-fast": undefined,
  remote: undefined,
  clean: undefined,
  "cache-gc": undefined,
  make: undefined,
  "make-shim": undefined,
  "import-make": undefined,
  init: undefined,
} as const;
export type Flag = keyof typeof flagNames;

type ValueName =
  | "directory"
  | "file"
  | "jobs"
  | "load-average"
  | "memory"
  | "disk"
  | "output"
  | "trace"
  | "report"
  | "timeout"
  | "only"
  | "graph"
  | "logs"
  | "run"
  | "vs"
  | "resume"
  | "replay"
  | "completion"
  | "cache"
  | "replay-log"
  | "tag"
  | "except";

/** Options with a value: the letter, and what stands for a value that is left out. */
const valueNames: Readonly<Record<ValueName, { readonly letter?: string; readonly default?: string }>> = {
  directory: { letter: "C" },
  file: { letter: "f" },
  jobs: { letter: "j", default: "" },
  "load-average": { letter: "l", default: "" },
  memory: {},
  disk: {},
  output: {},
  trace: {},
  report: {},
  timeout: {},
  only: { default: "check" },
  graph: { default: "mermaid" },
  logs: {},
  run: {},
  vs: {},
  resume: { default: "last" },
  replay: {},
  completion: {},
  cache: {},
  "replay-log": {},
  tag: {},
  except: {},
};

/** Other names of the same options, as make and just spell them. */
const synonyms: Readonly<Record<string, string>> = {
  "always-make": "force",
  silent: "quiet",
  "just-print": "dry-run",
  makefile: "file",
  builderfile: "file",
  "max-load": "load-average",
  reporter: "output",
};

/** One part of a command line that may be a task, a value or an option of a task. */
export type Token =
  | { readonly kind: "word"; readonly text: string }
  | { readonly kind: "option"; readonly name: string; readonly value?: string };

export interface Args {
  readonly options: Options;
  readonly tokens: readonly Token[];
  /** Options of bt that were written in full, without the dashes. */
  readonly own: readonly string[];
  /** After `--`. */
  readonly rest: readonly string[];
}

/** Every option of bt as it is written, for suggestions and completion. */
export const optionNames: readonly string[] = [...Object.keys(flagNames), ...Object.keys(valueNames)].map(
  (name) => `--${name}`,
);

/** Whether `--name` is an option of bt, so that a param of this name is given as NAME=value. */
export function isOwnOption(name: string): boolean {
  return isFlag(name) || isValueName(name) || Object.hasOwn(synonyms, name);
}

/**
 * Splits a command line.
 * @throws BtError OPTION_VALUE, OPTION_WRONG for a value where none is taken, OPTION_UNKNOWN for a letter
 */
export function parseArgs(argv: readonly string[]): Args {
  const end = argv.indexOf("--");
  const open = [...(end === -1 ? argv : argv.slice(0, end))].reverse();
  const flags = new Set<Flag>();
  const values = new Map<ValueName, string[]>();
  const tokens: Token[] = [];
  const setValue = (name: ValueName, value: string): unknown => values.set(name, [...(values.get(name) ?? []), value]);
  for (let word = open.pop(); word !== undefined; word = open.pop()) {
    if (word.startsWith("--")) readLong(word.slice(2), open, { flags, setValue, tokens });
    else if (word.startsWith("-") && word !== "-") readLetters(word.slice(1), open, { flags, setValue });
    else tokens.push({ kind: "word", text: word });
  }
  const own = argv.slice(0, end === -1 ? argv.length : end).flatMap((word) => /^--([^=]+)/.exec(word)?.[1] ?? []);
  return {
    options: createOptions(flags, values),
    tokens,
    own: own.filter(isOwnOption),
    rest: end === -1 ? [] : argv.slice(end + 1),
  };
}

interface Sinks {
  readonly flags: Set<Flag>;
  readonly setValue: (name: ValueName, value: string) => unknown;
}

function readLong(
  text: string,
  open: string[],
  { flags, setValue, tokens }: Sinks & { readonly tokens: Token[] },
): void {
  const at = text.indexOf("=");
  const written = at === -1 ? text : text.slice(0, at);
  const name = synonyms[written] ?? written;
  const value = at === -1 ? undefined : text.slice(at + 1);
  if (name === "dry-run" && value === "remote") {
    flags.add(name).add("remote");
    return;
  }
  if (isFlag(name) && value !== undefined) throw optionWrong(`--${written}`, value, "no value");
  if (isFlag(name)) flags.add(name);
  else if (isValueName(name)) setValue(name, value ?? takeValue(name, `--${written}`, open));
  else tokens.push({ kind: "option", name, ...(value === undefined ? {} : { value }) });
}

function readLetters(letters: string, open: string[], { flags, setValue }: Sinks): void {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at]!;
    const flag = Object.entries(flagNames).find(([, short]) => short === letter)?.[0];
    const name = Object.entries(valueNames).find(([, spec]) => spec.letter === letter)?.[0];
    if (flag !== undefined && isFlag(flag)) flags.add(flag);
    else if (name !== undefined && isValueName(name)) {
      const rest = letters.slice(at + 1);
      setValue(name, rest !== "" ? rest : takeValue(name, `-${letter}`, open));
      return;
    } else throw optionUnknown(`-${letter}`, allLetters());
  }
}

function allLetters(): string[] {
  const short = Object.values(valueNames).flatMap((spec) => spec.letter ?? []);
  return [...Object.values(flagNames).filter((letter) => letter !== undefined), ...short].map((letter) => `-${letter}`);
}

/** The word after an option; `-j` and `-l` take it only if it is a number, as in make. */
function takeValue(name: ValueName, written: string, open: string[]): string {
  const spec = valueNames[name];
  const next = open.at(-1);
  if (spec.default !== undefined)
    return (name === "jobs" || name === "load-average") && next !== undefined && /^[\d.]+%?$/.test(next)
      ? open.pop()!
      : spec.default;
  if (next === undefined) throw optionValue(written);
  return open.pop()!;
}

function isFlag(name: string): name is Flag {
  return Object.hasOwn(flagNames, name);
}
function isValueName(name: string): name is ValueName {
  return Object.hasOwn(valueNames, name);
}

function createOptions(flags: ReadonlySet<Flag>, values: ReadonlyMap<ValueName, readonly string[]>): Options {
  const { tag: tags = [], except = [], ...single } = Object.fromEntries(values);
  const last = Object.entries(single).map(([name, given]) => [fields[name] ?? name, given.at(-1)]);
  return {
    ...(Object.fromEntries(last) as object), // Every value has a field of its name, or the one in the table.
    tags,
    except,
    flags,
  };
}

/** Options whose field is called otherwise. */
const fields: Readonly<Record<string, string>> = { "load-average": "loadLimit", "replay-log": "replayLog" };

/** Words and values, once it is known which params are flags and which exist. */
export interface Asked {
  readonly words: readonly string[];
  readonly assignments: readonly Assignment[];
}

/**
 * Tells tasks from values.
 * @param kinds option name of every param to whether it is a flag
 * @throws BtError OPTION_UNKNOWN, OPTION_VALUE
 */
export function resolveTokens(tokens: readonly Token[], kinds: ReadonlyMap<string, "flag" | "value">): Asked {
  const words: string[] = [];
  const assignments: Assignment[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "word") {
      const assignment = parseAssignment(token.text);
      if (assignment === undefined) words.push(token.text);
      else assignments.push(assignment);
      continue;
    }
    const negated = token.name.startsWith("no-") ? token.name.slice(3) : undefined;
    if (kinds.get(token.name) === "flag") assignments.push({ name: token.name, value: token.value ?? "yes" });
    else if (negated !== undefined && kinds.get(negated) === "flag") assignments.push({ name: negated, value: "no" });
    else if (kinds.has(token.name)) {
      const next = tokens[at + 1];
      if (token.value === undefined && next?.kind !== "word") throw optionValue(`--${token.name}`);
      assignments.push({ name: token.name, value: token.value ?? (next?.kind === "word" ? next.text : "") });
      if (token.value === undefined) at++;
    } else throw optionUnknown(`--${token.name}`, [...optionNames, ...[...kinds.keys()].map((name) => `--${name}`)]);
  }
  return { words, assignments };
}

/** `TAG=v1`, `build.TAG=v1`. Undefined: the word is a task. */
function parseAssignment(text: string): Assignment | undefined {
  const at = text.indexOf("=");
  if (at < 1) return undefined;
  const [left, value] = [text.slice(0, at), text.slice(at + 1)];
  const dot = left.lastIndexOf(".");
  return dot === -1 ? { name: left, value } : { task: left.slice(0, dot), name: left.slice(dot + 1), value };
}
