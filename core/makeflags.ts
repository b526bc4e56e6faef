/** The text in `MAKEFLAGS`, read and written as make does. Pure; does not know descriptors, processes or tasks. */

/** The pool of job slots that a make above has announced. */
export type Auth =
  | { readonly kind: "pipe"; readonly read: number; readonly write: number }
  | { readonly kind: "fifo"; readonly path: string }
  /** Switched off on purpose: negative descriptors, or something that only Windows has. */
  | { readonly kind: "none" };

/** What a make above was asked for. */
export interface MakeFacts {
  /** Flags of one letter that are in force. */
  readonly letters: ReadonlySet<string>;
  /** Number after `-j`; `any`: without one. Absent: no `-j`. */
  readonly jobs?: number | "any";
  readonly loadLimit?: number;
  /** `none`, `line`, `target` or `recurse`. */
  readonly outputSync?: string;
  readonly auth?: Auth;
  /** Given on make's command line, in no particular order; the text is not expanded. */
  readonly variables: readonly { readonly name: string; readonly text: string }[];
}

/** What the variables say to a program that make has started. Undefined: nothing that concerns it. */
export function findMakeFacts(
  env: Readonly<Record<string, string | undefined>>,
  isCalled: boolean,
): MakeFacts | undefined {
  const { MAKEFLAGS: text } = env;
  if (text === undefined) return isCalled ? noFacts : undefined;
  const facts = parseMakeflags(text);
  return isCalled || isBelowMake(env) || facts.auth !== undefined ? facts : undefined;
}

const noFacts: MakeFacts = { letters: new Set(), variables: [] };

/** Whether a make has started this program, and not a person whose profile sets MAKEFLAGS. */
export function isBelowMake({ MAKELEVEL: level = "" }: Readonly<Record<string, string | undefined>>): boolean {
  return /^[1-9]\d*$/.test(level);
}

export function parseMakeflags(text: string): MakeFacts {
  const words = splitWords(text);
  const end = words.indexOf("--");
  const flags = end === -1 ? words : words.slice(0, end);
  const read: Draft = { letters: new Set(), variables: [] };
  for (let at = 0; at < flags.length; at++) {
    const word = flags[at]!;
    const next = flags[at + 1] ?? "";
    if (word.startsWith("--")) readLong(word, read);
    else if (word.startsWith("-")) {
      // Only people write `-j 4`.
      const isSplit = /^-[A-Za-z]*[jl]$/.test(word) && /^[\d.]+$/.test(next);
      readLetters(isSplit ? word.slice(1) + next : word.slice(1), read);
      if (isSplit) at++;
    } else if (word.includes("=")) addVariable(word, read);
    else if (at === 0) readLetters(word, read);
  }
  for (const word of end === -1 ? [] : words.slice(end + 1)) addVariable(word, read);
  if (read.letters.delete("S")) read.letters.delete("k");
  return read;
}

interface Draft {
  letters: Set<string>;
  jobs?: number | "any";
  loadLimit?: number;
  outputSync?: string;
  auth?: Auth;
  variables: { name: string; text: string }[];
}

/** At blanks and tabs; `\c` is c, `$$` is `$`. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter === " " || letter === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    const next = text[at + 1];
    const isPair = (letter === "\\" && next !== undefined) || (letter === "$" && next === "$");
    word = (word ?? "") + (isPair ? next : letter);
    if (isPair) at++;
  }
  return word === undefined ? words : [...words, word];
}

function readLetters(letters: string, read: Draft): void {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at]!;
    const rest = letters.slice(at + 1);
    if (letter === "j") {
      const digits = /^\d*/.exec(rest)?.[0] ?? "";
      read.jobs = digits === "" ? "any" : Number(digits);
      at += digits.length;
    } else if ("lOIfCoW".includes(letter)) {
      if (letter === "l" && rest !== "") read.loadLimit = Number(rest);
      if (letter === "O") read.outputSync = rest === "" ? "target" : rest;
      return;
    } else read.letters.add(letter);
  }
}

function readLong(word: string, read: Draft): void {
  const [, name = "", value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  switch (name) {
    case "jobserver-auth":
    case "jobserver-fds":
      if (value !== undefined) read.auth = parseAuth(value);
      return;
    case "no-silent":
      read.letters.delete("s");
      return;
    case "trace":
    case "debug":
      read.letters.add("d");
  }
}

function parseAuth(text: string): Auth {
  if (text.startsWith("fifo:")) return { kind: "fifo", path: text.slice("fifo:".length) };
  const [, first, second] = /^(\d+),(\d+)$/.exec(text) ?? [];
  return first === undefined ? { kind: "none" } : { kind: "pipe", read: Number(first), write: Number(second) };
}

/** `NAME=value`, `NAME:=value`, `NAME::=value`; make has turned the other kinds of assignment into these. */
function addVariable(word: string, read: Draft): void {
  const [, name, text = ""] = /^([^=]*?):{0,3}=(.*)$/s.exec(word) ?? [];
  if (name !== undefined && name !== "") read.variables.push({ name, text });
}

/**
 * What a variable of make's command line holds when it has not been exported, so that make has not expanded it for us.
 * Undefined: it needs to be expanded.
 */
export function decodeVariable(text: string): string | undefined {
  const [isOpen, plain] = [/(^|[^$])(\$\$)*\$[({]/.test(text), text.replaceAll("$$", "$")];
  return isOpen ? undefined : plain;
}

/** `ks -j4 --jobserver-auth=3,4`: MAKEFLAGS for a child. */
export function renderMakeflags(facts: {
  /** Such as `k` and `s`. */
  readonly letters: string;
  readonly jobs: number;
  /** `3,4`, `fifo:PATH`. Absent: no pool. */
  readonly auth?: string;
  /** Also under the name that make had before 4.2. */
  readonly isOld?: boolean;
}): string {
  const { letters, jobs, auth, isOld = false } = facts;
  const names = auth === undefined ? [] : [...(isOld ? ["--jobserver-fds"] : []), "--jobserver-auth"];
  return [letters, `-j${jobs}`, ...names.map((name) => `${name}=${escapeWord(auth ?? "")}`)].join(" ");
}

function escapeWord(word: string): string {
  return word.replaceAll(/[\\ \t]/g, "\\$&").replaceAll("$", "$$$$");
}
