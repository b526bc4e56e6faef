/** What `hack/rpm-deps.sh` would run, found out by reading it: assignments, conditions and `bazel run`. Runs nothing. */
import { importMalformed } from "./errors.ts";
import { splitCommands, type Piece, type ShellCommand } from "./shell-words.ts";

/** A word and the variable that it came from. */
export interface Word {
  readonly text: string;
  readonly origin?: string;
}

/** One `bazel run` as it would be called. */
export interface ScriptCall {
  readonly line: number;
  readonly words: readonly Word[];
}

export interface ScriptRun {
  readonly calls: readonly ScriptCall[];
  /** `QEMU` to the fallback of `${QEMU_VERSION:-…}`. */
  readonly pins: Readonly<Record<string, string>>;
  /** Lines that were left out, each with its reason. */
  readonly skipped: readonly string[];
}

const harmless = new Set(["set", "source", ".", "export", "echo", "cd"]);

/**
 * Reads a script as it would run with these variables. A version's variable stands for its pin: `{QEMU}`.
 * @throws BtError RPM_DEPS_IMPORT for a condition that cannot be judged
 */
export function readScript(text: string, file: string, given: Readonly<Record<string, string>>): ScriptRun {
  const variables = new Map(Object.entries(given));
  const pins: Record<string, string> = {};
  const calls: ScriptCall[] = [];
  const skipped: string[] = [];
  /** Blocks that are open: whether they run, and whether one of their branches has. */
  const blocks: { isActive: boolean; hasRun: boolean }[] = [];
  const isActive = (): boolean => blocks.every((block) => block.isActive);
  const expander: Expander = { variables, pins, given };
  const commands = splitCommands(text);
  for (let at = 0; at < commands.length; at++) {
    const command = commands[at]!;
    const first = plainWord(command.words[0]);
    if (first === "if" || first === "elif") {
      const end = commands.findIndex((one, later) => later > at && plainWord(one.words[0]) === "then");
      if (end === -1) throw importMalformed('an "if" has no "then"', { where: file, line: command.line });
      const outer = first === "if" ? undefined : blocks.pop();
      const mayRun = isActive() && outer?.hasRun !== true;
      const condition = [{ ...command, words: command.words.slice(1) }, ...commands.slice(at + 1, end)];
      const isTrue = mayRun && judge(condition, expander, file);
      blocks.push({ isActive: isTrue, hasRun: isTrue || outer?.hasRun === true });
      at = end - 1;
    } else if (first === "else") {
      const outer = blocks.pop();
      blocks.push({ isActive: outer?.hasRun !== true, hasRun: true });
    } else if (first === "fi") blocks.pop();
    if (first === "then" || first === "else") {
      // What stands behind the word on the same line.
      if (command.words.length > 1) run({ ...command, words: command.words.slice(1) });
    } else if (first !== "if" && first !== "elif" && first !== "fi") run(command);
  }
  return { calls, pins, skipped };

  function run(command: ShellCommand): void {
    if (!isActive()) return;
    const assignment = /^([A-Za-z_]\w*)(\+?)=/.exec(plainStart(command.words[0]));
    const first = plainWord(command.words[0]);
    if (assignment !== null && command.words.length === 1) {
      const [head, name = "", plus] = assignment;
      const pieces = command.words[0]!;
      const value = dropStart(pieces, head.length)
        .map((piece) => expandPiece(piece, expander))
        .join("");
      if (pieces.some(({ kind }) => kind === "unknown"))
        skipped.push(`${file}:${command.line}: ${name} is what a program prints`);
      variables.set(name, plus === "+" ? (variables.get(name) ?? "") + value : value);
    } else if (first === "bazel" && plainWord(command.words[1]) === "run")
      calls.push({ line: command.line, words: expandWords(command.words, expander) });
    else if (first !== undefined && !harmless.has(first))
      skipped.push(`${file}:${command.line}: \`${first}\` is left out`);
  }
}

interface Expander {
  readonly variables: ReadonlyMap<string, string>;
  readonly pins: Record<string, string>;
  readonly given: Readonly<Record<string, string>>;
}

/** Unquoted variables fall into words, each of which knows the variable. */
function expandWords(words: ShellCommand["words"], expander: Expander): readonly Word[] {
  return words.flatMap((pieces): Word[] => {
    const [only] = pieces;
    const text = pieces.map((piece) => expandPiece(piece, expander)).join("");
    if (only?.kind === "variable" && pieces.length === 1 && !only.isQuoted)
      return text.split(/\s+/).flatMap((part) => (part === "" ? [] : [{ text: part, origin: only.name }]));
    return [{ text }];
  });
}

function expandPiece(piece: Piece, expander: Expander): string {
  switch (piece.kind) {
    case "text":
      return piece.text;
    case "unknown":
      return "";
    case "variable":
      return expandVariable(piece, expander);
  }
}

function expandVariable(
  { name, fallback }: { readonly name: string; readonly fallback?: string },
  expander: Expander,
): string {
  const value = expander.variables.get(name) ?? "";
  if (value !== "" || fallback === undefined) return value;
  const text = splitCommands(fallback)
    .flatMap(({ words }) => expandWords(words, expander))
    .map((word) => word.text)
    .join(" ");
  const [, pin] = /^([A-Z][A-Z0-9_]*)_VERSION$/.exec(name) ?? [];
  if (pin === undefined || name in expander.given) return text;
  expander.pins[pin] = text;
  return `{${pin}}`;
}

/** `[ … ]` joined by `&&` and `||`, from left to right. */
function judge(commands: readonly ShellCommand[], expander: Expander, file: string): boolean {
  let result = true;
  let join: ShellCommand["end"] = "line";
  for (const command of commands) {
    const words = expandWords(command.words, expander).map(({ text }) => text);
    const value = test(words);
    if (value === undefined)
      throw importMalformed(`the condition \`${words.join(" ")}\` cannot be judged`, {
        where: file,
        line: command.line,
      });
    result = join === "or" ? result || value : join === "and" ? result && value : value;
    join = command.end;
  }
  return result;
}

function test(words: readonly string[]): boolean | undefined {
  const [open, ...rest] = words;
  const close = rest.pop();
  if (!((open === "[" && close === "]") || (open === "[[" && close === "]]"))) return undefined;
  const [one = "", two, three = ""] = rest[0] === "!" ? rest.slice(1) : rest;
  const value = judgeWords(rest[0] === "!" ? rest.length - 1 : rest.length, one, two, three);
  return value === undefined ? undefined : value !== (rest[0] === "!");
}

function judgeWords(count: number, one: string, two: string | undefined, three: string): boolean | undefined {
  if (count === 1) return one !== "";
  if (count === 2) return one === "-z" ? two === "" : one === "-n" ? two !== "" : undefined;
  if (count !== 3) return undefined;
  if (two === "=" || two === "==") return one === three;
  return two === "!=" ? one !== three : undefined;
}

function plainWord(pieces: readonly Piece[] | undefined): string | undefined {
  const [first, ...rest] = pieces ?? [];
  return first?.kind === "text" && rest.length === 0 ? first.text : undefined;
}

function plainStart(pieces: readonly Piece[] | undefined): string {
  const [first] = pieces ?? [];
  return first?.kind === "text" && !first.isQuoted ? first.text : "";
}

function dropStart([first, ...rest]: readonly Piece[], length: number): readonly Piece[] {
  return first?.kind === "text" ? [{ ...first, text: first.text.slice(length) }, ...rest] : rest;
}
