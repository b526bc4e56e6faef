/** Whether bt would run for a target what make would run. Pure; does not know how either was asked. */

export type Verdict = "exact" | "equivalent" | "kept" | "manual" | "not compared";

export interface Comparison {
  readonly target: string;
  readonly verdict: Verdict;
  /** What differs, was rewritten, or why there was nothing to compare. */
  readonly why?: string;
  /** Commands of both. */
  readonly both: readonly string[];
  readonly onlyMake: readonly string[];
  readonly onlyBt: readonly string[];
}

export interface Commands {
  readonly commands: readonly string[];
  /** There are none, for this reason. */
  readonly failure?: string;
}

/** Compares as sets: make's order among independent targets means nothing. Both sides are {@link canonical}. */
export function compareTarget(
  target: string,
  {
    make,
    bt,
    kept,
  }: {
    readonly make: Commands;
    readonly bt: Commands;
    readonly kept?: string;
  },
): Comparison {
  const nothing = { both: [], onlyMake: [], onlyBt: [] };
  if (kept !== undefined) return { target, verdict: "kept", why: kept, ...nothing, both: bt.commands };
  const failure = make.failure ?? bt.failure;
  if (failure !== undefined)
    return { target, verdict: "not compared", why: failure, ...nothing, onlyMake: make.commands, onlyBt: bt.commands };
  const open = new Set(make.commands);
  const both: string[] = [];
  const onlyBt: string[] = [];
  let isRewritten = false;
  for (const command of new Set(bt.commands)) {
    const found = open.has(command) ? command : [...open].find((candidate) => matches(command, candidate));
    if (found === undefined) {
      onlyBt.push(command);
      continue;
    }
    isRewritten ||= found !== command;
    open.delete(found);
    both.push(found);
  }
  const verdict = open.size + onlyBt.length > 0 ? "manual" : isRewritten ? "equivalent" : "exact";
  const why = verdict === "equivalent" ? { why: "$(shell …) runs when the command runs" } : {};
  return { target, verdict, ...why, both, onlyMake: [...open], onlyBt };
}

/** A command in the form in which it is compared. `values`: what variables hold. */
export function canonical(text: string, values: Readonly<Record<string, string>> = {}): string {
  return normalise(substitute(text, values));
}

/** Shell variables that stand for make's, with what they hold. */
function substitute(text: string, values: Readonly<Record<string, string>>): string {
  let out = "";
  for (let at = 0; at < text.length;) {
    const isQuoted = text.startsWith(`'"\${`, at);
    const found = readReference(text, isQuoted ? at + 2 : at, values);
    if (found === undefined || (isQuoted && !text.startsWith(`"'`, found.end))) out += text[at++];
    else {
      out += found.value;
      at = found.end + (isQuoted ? 2 : 0);
    }
  }
  return out;
}

/** `${NAME}`, `${NAME-}`, `${NAME:-otherwise}`. */
function readReference(
  text: string,
  start: number,
  values: Readonly<Record<string, string>>,
): { readonly value: string; readonly end: number } | undefined {
  const [head, name = "", operator] = /^\$\{(\w+)(:-|-)?/.exec(text.slice(start, start + 200)) ?? [];
  const value = values[name];
  if (head === undefined || value === undefined) return undefined;
  let end = start + head.length;
  for (let depth = 1; depth > 0; end++) {
    if (end >= text.length) return undefined;
    if (text.startsWith("${", end)) depth++;
    if (text[end] === "}") depth--;
  }
  const otherwise = text.slice(start + head.length, end - 1);
  if (operator === undefined && otherwise !== "") return undefined;
  return { value: value === "" && operator === ":-" ? substitute(otherwise, values) : value, end };
}

/** Blanks and continued lines mean nothing; make itself was asked under the name `:`. */
function normalise(text: string): string {
  return text
    .replaceAll(/\\\n\s*/g, " ")
    .replaceAll(/(^|[\s;&|(])make(?=\s)/g, "$1:")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/** A command that still holds `$(…)` is the same whatever that gives. */
function matches(command: string, candidate: string): boolean {
  if (!/\$\(/.test(command)) return false;
  const parts = command
    .split(/\$\((?:[^()]|\([^()]*\))*\)/)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*?")}$`).test(candidate);
}

/** Commands in the output of `make -n`. */
export function readDryRun(text: string): readonly string[] {
  const commands: string[] = [];
  let open = "";
  for (const line of text.split("\n")) {
    if (open === "" && (line.trim() === "" || /^make(\[\d+\])?: /.test(line))) continue;
    open += open === "" ? line : `\n${line}`;
    if (/(?:^|[^\\])(?:\\\\)*\\$/.test(line)) continue;
    commands.push(open);
    open = "";
  }
  return open === "" ? commands : [...commands, open];
}
