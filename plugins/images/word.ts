/** Words, pairs and JSON lists in the text of a Dockerfile instruction. Pure; does not replace variables. */

/** `NAME=value`, or a NAME alone. */
export interface Pair {
  readonly name: string;
  /** As written, with its quotes. Absent: there is no `=`. */
  readonly value?: string;
}

/** Words between spaces; quotes and the escape character keep spaces together, and stay in the words. */
export function splitWords(text: string, escape: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += char;
    if (char === escape && i + 1 < text.length) word += text[++i]!;
    else if (char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
  }
  if (word !== "") words.push(word);
  return words;
}

/** Words between spaces, whatever quotes they have: how COPY, ADD, EXPOSE and VOLUME are read. */
export function splitPlain(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** The pairs of ENV, LABEL and ARG. */
export function splitPairs(text: string, escape: string): readonly Pair[] {
  return splitWords(text, escape).map((word) => {
    const equals = word.indexOf("=");
    return equals === -1 ? { name: word } : { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

/** The strings of `["a", "b"]`. Undefined: the text is no JSON list of strings, so it is a plain one. */
export function parseJsonList(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
    return isList ? (value as readonly string[]) : undefined;
  } catch {
    return undefined;
  }
}

/** Leading `--name=value` and `--name` words, and the text after them. */
export function splitFlags(text: string): { flags: readonly Pair[]; rest: string } {
  const flags: Pair[] = [];
  let rest = text;
  for (;;) {
    const match = /^--([A-Za-z][A-Za-z0-9-]*)(?:=(\S*))?(?:\s+|$)/.exec(rest);
    if (match === null) return { flags, rest };
    flags.push(match[2] === undefined ? { name: match[1]! } : { name: match[1]!, value: match[2] });
    rest = rest.slice(match[0].length);
  }
}
