/** Finds the entries of an object literal in source text, TypeScript or JSON, without a parser for either. Pure; anything unusual is "not found". */

/** One `key: value`; offsets into the text. */
export interface Entry {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  /** After the value, before the comma. */
  readonly end: number;
}

export interface Literal {
  /** Of `{`. */
  readonly open: number;
  /** Of `}`. */
  readonly close: number;
  readonly entries: readonly Entry[];
}

/** The `versions: { … }` in the call `imageFamily("NAME", { … })`. Undefined: it is not written that way. */
export function findVersions(text: string, family: string): Literal | undefined {
  const name = family.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const calls = [...text.matchAll(new RegExp(`\\bimageFamily\\(\\s*(["'\`])${name}\\1\\s*,\\s*(?=\\{)`, "g"))];
  const [call] = calls;
  if (call === undefined || calls.length > 1) return undefined;
  const options = readObject(text, call.index + call[0].length);
  const versions = options?.entries.find(({ key }) => key === "versions");
  return versions === undefined ? undefined : readObject(text, versions.valueStart);
}

/** The object literal that starts at `open`. Undefined: there is none, or it holds more than `key: value`. */
export function readObject(text: string, open: number): Literal | undefined {
  if (text[open] !== "{") return undefined;
  const entries: Entry[] = [];
  for (let at = skipSpace(text, open + 1); at < text.length;) {
    if (text[at] === "}") return { open, close: at, entries };
    const key = readKey(text, at);
    if (key === undefined) return undefined;
    const colon = skipSpace(text, key.end);
    if (text[colon] !== ":") return undefined;
    const valueStart = skipSpace(text, colon + 1);
    const value = skipValue(text, valueStart);
    if (value === undefined) return undefined;
    entries.push({ key: key.key, start: at, valueStart, end: value.end });
    at = skipSpace(text, text[value.stop] === "," ? value.stop + 1 : value.stop);
  }
  return undefined;
}

/** 1-based line and column of an offset, and the text of its line. */
export function placeAt(
  text: string,
  offset: number,
): { readonly line: number; readonly column: number; readonly source: string } {
  const before = text.slice(0, offset).split("\n");
  return {
    line: before.length,
    column: (before.at(-1) ?? "").length + 1,
    source: text.split("\n")[before.length - 1] ?? "",
  };
}

/** After blanks and comments. */
export function skipSpace(text: string, from: number): number {
  const space = /(?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*/y;
  space.lastIndex = from;
  space.exec(text);
  return Math.max(from, space.lastIndex);
}

function readKey(text: string, at: number): { readonly key: string; readonly end: number } | undefined {
  const [word] = /^(?:[A-Za-z_$][\w$]*|\d+(?:\.\d+)?)/.exec(text.slice(at, at + 200)) ?? [];
  if (word !== undefined) return { key: word, end: at + word.length };
  const end = text[at] === '"' || text[at] === "'" ? skipString(text, at) : undefined;
  const key = end === undefined ? "\\" : text.slice(at + 1, end - 1);
  return end === undefined || key.includes("\\") ? undefined : { key, end };
}

/** `end`: after the last sign of the value; `stop`: the comma or bracket behind it. Undefined: the text ends before. */
function skipValue(text: string, from: number): { readonly end: number; readonly stop: number } | undefined {
  let depth = 0;
  let end = from;
  for (let at = from; at < text.length;) {
    const sign = text[at] ?? "";
    if (depth === 0 && (sign === "," || sign === "}")) return { end, stop: at };
    if ("([{".includes(sign)) depth++;
    if (")]}".includes(sign)) depth--;
    if (depth < 0) return undefined;
    const space = skipSpace(text, at);
    const next = space > at ? space : skipToken(text, at);
    if (next === undefined) return undefined;
    if (space === at) end = next;
    at = next;
  }
  return undefined;
}

/** After one string, template, regular expression or sign. */
function skipToken(text: string, at: number): number | undefined {
  const sign = text[at] ?? "";
  if (sign === '"' || sign === "'") return skipString(text, at);
  if (sign === "`") return skipTemplate(text, at);
  if (sign !== "/") return at + 1;
  const isOperand = /(^|[(,=:[!&|?{};>])\s*$/.test(text.slice(Math.max(0, at - 50), at));
  return isOperand ? skipPattern(text, at, /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y) : at + 1;
}

function skipString(text: string, at: number): number | undefined {
  return skipPattern(text, at, /(["'])(?:\\[^]|(?!\1)[^\\\n])*\1/y);
}

function skipPattern(text: string, at: number, pattern: RegExp): number | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) === null ? undefined : pattern.lastIndex;
}

function skipTemplate(text: string, from: number): number | undefined {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return at + 1;
    else if (text.startsWith("${", at)) {
      const end = skipHole(text, at + 2);
      if (end === undefined) return undefined;
      at = end;
    }
  }
  return undefined;
}

/** The bracket that ends `${`. */
function skipHole(text: string, from: number): number | undefined {
  let depth = 1;
  for (let at = from; at < text.length;) {
    if (text[at] === "{") depth++;
    if (text[at] === "}") depth--;
    if (depth === 0) return at;
    const next = skipToken(text, at);
    if (next === undefined) return undefined;
    at = next;
  }
  return undefined;
}
