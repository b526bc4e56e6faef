/** Which files of a build context an ignore file leaves out. Only importer of @balena/dockerignore; does not walk folders. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import createIgnore from "@balena/dockerignore";
import { compilePattern } from "./pattern.ts";
import { splitPath } from "./tree.ts";

/** The rules of one ignore file. */
export interface IgnoreRules {
  /** How messages call the file. */
  readonly file: string;
  readonly ignores: (path: string) => boolean;
  /** Whether an ignored folder may hold files that a later rule brings back; false: nobody needs to look. */
  readonly mayHoldException: (folder: string) => boolean;
}

/**
 * The rules for a context: those beside a named Dockerfile win over those in the context, and `.containerignore` over `.dockerignore`.
 * Undefined: there is no ignore file.
 */
export async function loadIgnoreRules(dockerfile: string, context: string): Promise<IgnoreRules | undefined> {
  const names = [".containerignore", ".dockerignore"];
  const candidates = [
    ...names.map((name) => [`${dockerfile}${name}`, `${dockerfile}${name}`] as const),
    ...names.map((name) => [join(context, name), name] as const),
  ];
  for (const [path, shown] of candidates) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return createIgnoreRules(text, shown);
  }
  return undefined;
}

/** The rules in the text of an ignore file. */
function createIgnoreRules(text: string, file: string): IgnoreRules {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = createIgnore.default({ ignorecase: false }).add(lines.map(escapeLetters));
  const exceptions = lines
    .map((line) => line.trim())
    .filter((line) => line.startsWith("!"))
    .map((line) => splitPath(line.slice(1).trim()));
  return {
    file,
    ignores: (path) => rules.ignores(path),
    mayHoldException: (folder) => exceptions.some((names) => mayMatchBelow(names, splitPath(folder))),
  };
}

/** Whether a pattern may match something in a folder: its first names match the folder's. */
function mayMatchBelow(pattern: readonly string[], folder: readonly string[]): boolean {
  for (const [index, name] of folder.entries()) {
    const part = pattern[index];
    if (part === undefined || part.includes("**")) return true;
    if (compilePattern(part)?.test(name) === false) return false;
  }
  return true;
}

/** These have no meaning in ignore files, but the library gives them their meaning in regular expressions. */
function escapeLetters(line: string): string {
  return line.startsWith("#")
    ? line
    : line.replace(/(\\.)|\[[^\]]*\]|[+(){}|]/g, (found, escaped: string | undefined) =>
        escaped !== undefined || found.startsWith("[") ? found : `\\${found}`,
      );
}
