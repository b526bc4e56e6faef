/** Rules in Bazel files: read with their places, so that one can be changed and every other byte stays. Does not know what rules mean. */
import { bazelFileMalformed } from "./errors.ts";
import { createScanner, type Scanner } from "./starlark-scanner.ts";

/** What an attribute holds, as far as bt needs to know. */
export type Value =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "dict"; readonly entries: readonly { readonly key: Value; readonly value: Value }[] }
  | { readonly kind: "other"; readonly source: string };

/** One named argument. */
export interface Attribute {
  readonly name: string;
  readonly value: Value;
  /** Offsets of the value. */
  readonly start: number;
  readonly end: number;
}

/** One call at the top of a file: `rpm(name = "…", …)`. */
export interface Rule {
  /** `rpm`, `rpmtree`. */
  readonly kind: string;
  /** Value of the attribute `name`. Empty: it has none. */
  readonly name: string;
  readonly attributes: readonly Attribute[];
  /** Offsets of the whole call, and of the closing parenthesis. */
  readonly start: number;
  readonly end: number;
  readonly close: number;
}

/** A file and its rules. */
export interface BazelFile {
  readonly file: string;
  readonly text: string;
  readonly rules: readonly Rule[];
}

/** @throws BtError RPM_DEPS_BAZEL_FILE_MALFORMED with file, line and column */
export function parseBazelFile(text: string, file: string): BazelFile {
  const scanner = createScanner(text, (expected, offset) => bazelFileMalformed(expected, placeAt(text, file, offset)));
  const rules: Rule[] = [];
  for (scanner.skipBlank(); scanner.at() < text.length; scanner.skipBlank()) {
    const rule = readCall(scanner);
    if (rule === undefined) scanner.skipStatement();
    else rules.push(rule);
  }
  return { file, text, rules };
}

/** The texts of a list attribute. Absent attributes and other values give none. */
export function listOf(rule: Rule, name: string): readonly string[] {
  const value = rule.attributes.find((attribute) => attribute.name === name)?.value;
  return value?.kind === "list" ? value.items.flatMap((item) => (item.kind === "text" ? [item.text] : [])) : [];
}

/** The text of an attribute. Undefined: it has none. */
export function textOf(rule: Rule, name: string): string | undefined {
  const value = rule.attributes.find((attribute) => attribute.name === name)?.value;
  return value?.kind === "text" ? value.text : undefined;
}

/** One change of a text: what is between the offsets becomes something else. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** All changes at once; they do not overlap. Those at the same place keep their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let [result, at] = ["", 0];
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return result + text.slice(at);
}

/** A Starlark text with its quotes. */
export function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;
}

function readCall(scanner: Scanner): Rule | undefined {
  const start = scanner.at();
  const kind = scanner.takeName();
  if (kind === undefined || !scanner.take("(")) {
    scanner.back(start);
    return undefined;
  }
  const attributes: Attribute[] = [];
  for (scanner.skipBlank(); !scanner.isNext(")"); scanner.skipBlank()) {
    const from = scanner.at();
    const name = scanner.takeName();
    scanner.skipBlank();
    const isNamed = name !== undefined && scanner.isNext("=") && !scanner.isNext("==");
    if (isNamed) {
      scanner.take("=");
      scanner.skipBlank();
    } else scanner.back(from);
    const valueStart = scanner.at();
    const value = readValue(scanner);
    if (isNamed) attributes.push({ name, value, start: valueStart, end: scanner.at() });
    scanner.skipBlank();
    if (!scanner.take(",") && !scanner.isNext(")")) throw scanner.fail('"," or ")" is expected');
  }
  const close = scanner.at();
  scanner.take(")");
  const own = attributes.find((attribute) => attribute.name === "name")?.value;
  return { kind, name: own?.kind === "text" ? own.text : "", attributes, start, close, end: scanner.at() };
}

/** A text, list or dict that stands alone; anything else up to the next comma or closing bracket as it is. */
function readValue(scanner: Scanner): Value {
  const start = scanner.at();
  const value = readSimple(scanner);
  scanner.skipBlank();
  if (value !== undefined && scanner.isValueEnd()) {
    scanner.backToText();
    return value;
  }
  scanner.back(start);
  return { kind: "other", source: scanner.takeExpression() };
}

function readSimple(scanner: Scanner): Value | undefined {
  const text = scanner.takeText();
  if (text !== undefined) return { kind: "text", text };
  const start = scanner.at();
  if (scanner.take("[")) {
    const items: Value[] = [];
    for (scanner.skipBlank(); !scanner.take("]"); scanner.skipBlank()) {
      items.push(readValue(scanner));
      scanner.skipBlank();
      if (!scanner.take(",") && !scanner.isNext("]")) return giveUp(scanner, start); // A comprehension, or a mistake that takeExpression finds.
    }
    return { kind: "list", items };
  }
  if (!scanner.take("{")) return undefined;
  const entries: { key: Value; value: Value }[] = [];
  for (scanner.skipBlank(); !scanner.take("}"); scanner.skipBlank()) {
    const key = readSimple(scanner);
    scanner.skipBlank();
    if (key === undefined || !scanner.take(":")) return giveUp(scanner, start);
    scanner.skipBlank();
    entries.push({ key, value: readValue(scanner) });
    scanner.skipBlank();
    if (!scanner.take(",") && !scanner.isNext("}")) return giveUp(scanner, start);
  }
  return { kind: "dict", entries };
}

function giveUp(scanner: Scanner, start: number): undefined {
  scanner.back(start);
  return undefined;
}

function placeAt(
  text: string,
  where: string,
  offset: number,
): { where: string; line: number; column: number; source: string } {
  const before = text.slice(0, offset).split("\n");
  const line = before.length;
  return { where, line, column: before.at(-1)!.length + 1, source: text.split("\n")[line - 1] ?? "" };
}
