/** What a Makefile says besides its rules: defaults, exports, comments. Reads texts it is given; does not know files or make. */
import type { MakeDatabase, MakeRule } from "./database.ts";

/** What is known of one Makefile. */
export interface Sources {
  readonly database: MakeDatabase;
  /** Its folder, relative to the one that is imported, with `/`. Empty: that one. */
  readonly dir: string;
  /** The main file, relative to `dir`, and its lines. */
  readonly file: string;
  readonly lines: readonly string[];
  /** Make would not find the file by itself. */
  readonly isNamed: boolean;
  /** A line of a makefile, 1-based. */
  readonly lineOf: (file: string, line: number) => string | undefined;
  /** Of a file relative to `dir`. */
  readonly exists: (file: string) => boolean;
  /** Targets that are to be kept, with the reason. */
  readonly keep: ReadonlyMap<string, string>;
  /** What programs of its recipes get from it; fixed: whatever a caller sets. Absent: make could not be asked. */
  readonly exported?: ReadonlyMap<string, { readonly text: string; readonly isFixed: boolean }>;
  /** The Makefile that calls this one. */
  readonly above?: Sources;
}

/** Variables that a caller may set, with their defaults: those assigned with `?=`. */
export function findDefaults({ database, lineOf }: Sources): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  for (const { name, value, file, line } of database.variables.values()) {
    if (file === undefined || line === undefined) continue;
    if (!new RegExp(`^\\s*(export\\s+)?${name.replaceAll(".", "\\.")}\\s*\\?=`).test(lineOf(file, line) ?? ""))
      continue;
    defaults.set(name, value.trim());
  }
  return defaults;
}

/** What was written, for a variable that make has expanded already: it may hold others that a caller may set. */
export function sourceOf(name: string, { database, lineOf }: Sources): string | undefined {
  const variable = database.variables.get(name);
  if (variable?.file === undefined || variable.line === undefined) return undefined;
  const line = lineOf(variable.file, variable.line) ?? "";
  const [, text] = /^\s*(?:export\s+)?[\w.-]+\s*:{1,3}=\s*(.*[^\\])$/.exec(line) ?? [];
  return text;
}

/** `## text` behind the target or above it, or the comment above it. */
export function describe({ target, recipe, file }: MakeRule, sources: Sources): string | undefined {
  const { lines } = sources;
  const named = lines.findIndex((line) => line.startsWith(`${target}:`) || line.startsWith(`${target} :`));
  // A computed name, or a pattern: what stands right before the recipe, or is its line.
  const first = file === sources.file ? (recipe[0]?.line ?? 0) : 0;
  const before = lines[first - 1]?.startsWith("\t") === true ? first - 2 : first - 1;
  const at = named === -1 && /^[^\s#][^=]*:/.test(lines[before] ?? "") ? before : named;
  if (at === -1) return undefined;
  const own = /##\s*(.+)$/.exec(lines[at]!)?.[1];
  if (own !== undefined) return own.trim();
  let above = at - 1;
  while (above >= 0 && lines[above]!.startsWith(".PHONY")) above--;
  let text: string | undefined;
  for (; above >= 0 && /^#+\s*\S/.test(lines[above]!); above--) text = lines[above]!.replace(/^#+\s*/, "");
  return text?.replace(/\.$/, "").trim();
}
