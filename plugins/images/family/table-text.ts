/** Adds and removes entries in the text of a table, byte for byte the same elsewhere. Pure; undefined: the text is not plain enough. */
import { skipSpace, type Entry } from "./literal.ts";
import type { TableSource } from "./load-table.ts";
import type { VersionEntry } from "./table.ts";

/** The text with `key` after `after`: the same value, or `entry`. */
export function withEntry(
  { file, text, literal }: TableSource,
  wanted: { readonly after: string; readonly key: string; readonly entry?: VersionEntry },
): string | undefined {
  const found = literal?.entries.filter(({ key }) => key === wanted.after) ?? [];
  const [model] = found;
  if (model === undefined || found.length > 1) return undefined;
  const isJson = file.endsWith(".json");
  const value =
    wanted.entry === undefined ? text.slice(model.valueStart, model.end) : renderValue(wanted.entry, isJson);
  const quote = text[model.start] === "'" ? "'" : '"';
  const line = `${quote}${wanted.key}${quote}: ${value}`;
  const comma = commaAfter(text, model);
  const indent = indentOf(text, model);
  const end = comma ?? model.end;
  if (indent === undefined)
    return `${text.slice(0, end)}${comma === undefined ? "," : ""} ${line}${comma === undefined ? "" : ","}${text.slice(end)}`;
  const lineEnd = comma === undefined ? end : endOfLine(text, end);
  const head = comma === undefined ? `${text.slice(0, end)},` : text.slice(0, lineEnd);
  return `${head}\n${indent}${line}${comma === undefined ? "" : ","}${text.slice(lineEnd)}`;
}

/** The text without `key`, its comma and, where it has one of its own, its line. */
export function withoutEntry({ text, literal }: TableSource, key: string): string | undefined {
  const entries = literal?.entries ?? [];
  const at = entries.findIndex((entry) => entry.key === key);
  const entry = entries[at];
  if (entry === undefined || entries.length < 2) return undefined;
  const comma = commaAfter(text, entry);
  const before = entries[at - 1];
  // The last entry without a comma behind it takes the one before it along.
  if (comma === undefined && before !== undefined) return text.slice(0, before.end) + text.slice(entry.end);
  const end = comma ?? entry.end;
  const indent = indentOf(text, entry);
  if (indent === undefined) return text.slice(0, entry.start) + text.slice(skipBlanks(text, end));
  const lineEnd = endOfLine(text, end);
  return lineEnd === end && text[end] !== "\n"
    ? text.slice(0, entry.start) + text.slice(skipBlanks(text, end))
    : text.slice(0, entry.start - indent.length) + text.slice(lineEnd + 1);
}

/** `"3.6": { platforms: ["linux/amd64"] },` */
export function renderEntry(key: string, entry: VersionEntry, isJson: boolean): string {
  return `"${key}": ${renderValue(entry, isJson)},`;
}

function renderValue(value: unknown, isJson: boolean): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one) => renderValue(one, isJson)).join(", ")}]`;
  const members = Object.entries(value).map(([name, inner]) => {
    const isPlain = !isJson && /^[A-Za-z_$][\w$]*$/.test(name);
    return `${isPlain ? name : JSON.stringify(name)}: ${renderValue(inner, isJson)}`;
  });
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** After the comma behind an entry. Undefined: there is none. */
function commaAfter(text: string, entry: Entry): number | undefined {
  const at = skipSpace(text, entry.end);
  return text[at] === "," ? at + 1 : undefined;
}

/** Blanks before an entry that begins its line. Undefined: something else stands before it. */
function indentOf(text: string, entry: Entry): string | undefined {
  const start = text.lastIndexOf("\n", entry.start - 1) + 1;
  const before = text.slice(start, entry.start);
  return /^[ \t]*$/.test(before) ? before : undefined;
}

/** The end of the line if only a comment is left on it, else the given place. */
function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  const stop = end === -1 ? text.length : end;
  return /^[ \t\r]*(\/\/.*|\/\*[^\n]*\*\/[ \t\r]*)?$/.test(text.slice(from, stop)) ? stop : from;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}
