/** The text of a recipe as a shell reads it when make has done its part: variables become the shell's, what only make can do is refused. Pure. */
import type { MakeDatabase } from "./database.ts";

/** What `$@` and its kin stand for in one rule; a stem may be a piece of TypeScript. */
export type Automatic = Readonly<Record<string, string>>;

export interface ExpandOptions {
  readonly database: MakeDatabase;
  readonly automatic: Automatic;
  /** Variables that a caller may set, with what they are otherwise. */
  readonly params: ReadonlyMap<string, string>;
  /** What a variable was assigned, where the Makefile can be read. */
  readonly sourceOf: (name: string) => string | undefined;
}

export interface Expanded {
  readonly text: string;
  /** Variables of the Makefile that callers may set, and those that nobody has defined. */
  readonly params: ReadonlySet<string>;
  /** Variables of the environment. */
  readonly env: ReadonlySet<string>;
}

/** Thrown with what cannot be said in a shell. */
export class OnlyMake extends Error {}

/** @throws OnlyMake */
export function expandText(text: string, options: ExpandOptions): Expanded {
  const params = new Set<string>();
  const env = new Set<string>();
  const out: Out = { text: "", quote: undefined };
  expandInto(out, text, { ...options, found: { params, env }, depth: 0 });
  return { text: out.text, params, env };
}

interface Out {
  text: string;
  /** The quote that is open. */
  quote: "'" | '"' | undefined;
}

interface Scope extends ExpandOptions {
  readonly found: { readonly params: Set<string>; readonly env: Set<string> };
  readonly depth: number;
}

function expandInto(out: Out, text: string, scope: Scope): void {
  if (scope.depth > 20) throw new OnlyMake("variables that refer to each other");
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!;
    if (letter !== "$") {
      addLetter(out, letter);
      continue;
    }
    const next = text[++at];
    if (next === "$") addLetter(out, "$");
    else if (next === "(" || next === "{") {
      const end = findClose(text, at);
      addReference(out, text.slice(at + 1, end), scope);
      at = end;
    } else if (next !== undefined) addReference(out, next, scope);
  }
}

function addLetter(out: Out, letter: string): void {
  const isEscaped = out.quote !== "'" && /(?:^|[^\\])(?:\\\\)*\\$/.test(out.text);
  if (!isEscaped && (letter === "'" || letter === '"')) {
    if (out.quote === undefined) out.quote = letter;
    else if (out.quote === letter) out.quote = undefined;
  }
  out.text += letter;
}

function findClose(text: string, open: number): number {
  const [left, right] = text[open] === "(" ? ["(", ")"] : ["{", "}"];
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === left) depth++;
    if (text[at] === right && --depth === 0) return at;
  }
  throw new OnlyMake("a bracket that is not closed");
}

function addReference(out: Out, body: string, scope: Scope): void {
  const automatic = scope.automatic[body];
  if (automatic !== undefined) {
    out.text += automatic;
    return;
  }
  const [, fn, argument = ""] = /^([a-z-]+)[ \t]+([^]*)$/.exec(body) ?? [];
  if (fn === "shell" && out.quote !== "'") {
    const inner: Out = { text: "", quote: undefined };
    expandInto(inner, argument, { ...scope, depth: scope.depth + 1 });
    out.text += `$(${inner.text})`;
    return;
  }
  if (fn !== undefined) throw new OnlyMake(`$(${fn} …)`);
  if (!/^[A-Za-z_][\w.-]*$/.test(body)) throw new OnlyMake(`$(${body})`);
  addVariable(out, body, scope);
}

function addVariable(out: Out, name: string, scope: Scope): void {
  const { database, params, found } = scope;
  const variable = database.variables.get(name);
  if (name === "MAKE") out.text += "make";
  else if (name === "CURDIR" || name === "PWD") addShellVariable(out, "PWD");
  else if (params.has(name) || variable === undefined) {
    if (!/^\w+$/.test(name)) throw new OnlyMake(`the name ${name}`);
    found.params.add(name);
    addShellVariable(out, name, expandDefault(params.get(name) ?? "", scope));
  } else if (variable.origin === "environment") {
    found.env.add(name);
    addShellVariable(out, name);
  } else if (variable.origin.startsWith("makefile")) {
    if (variable.flavour === "define") throw new OnlyMake(`the lines of ${name}`);
    const value = variable.flavour === ":=" ? (scope.sourceOf(name) ?? variable.value) : variable.value;
    expandInto(out, value, { ...scope, depth: scope.depth + 1 });
  } else throw new OnlyMake(`make's own ${name}`);
}

/** A default that is made of other variables follows them; a plain one is the param's own. */
function expandDefault(text: string, scope: Scope): string {
  if (!text.includes("$")) return "";
  const inner: Out = { text: "", quote: undefined };
  expandInto(inner, text, { ...scope, depth: scope.depth + 1 });
  if (/['"]/.test(inner.text)) throw new OnlyMake("quotes in a default");
  return `:-${inner.text}`;
}

/** Make replaces in single quotes as well; the shell does not, so they are left for a moment. */
function addShellVariable(out: Out, name: string, otherwise = ""): void {
  const text = `\${${name}${otherwise}}`;
  out.text += out.quote === "'" ? `'"${text}"'` : text;
}
