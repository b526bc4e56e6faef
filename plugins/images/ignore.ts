/** Which files of a build context an ignore file leaves out. Only importer of @balena/dockerignore; does not walk folders. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import createIgnore from "@balena/dockerignore";

/** The rules of one ignore file. */
export interface IgnoreRules {
  /** How messages call the file. */
  readonly file: string;
  readonly ignores: (path: string) => boolean;
  /** Whether a rule brings files back, so that an ignored folder may hold files that are not. */
  readonly hasExceptions: boolean;
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
export function createIgnoreRules(text: string, file: string): IgnoreRules {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = createIgnore.default({ ignorecase: false }).add(lines.map(escapeLetters));
  return {
    file,
    ignores: (path) => rules.ignores(path),
    hasExceptions: lines.some((line) => line.trim().startsWith("!")),
  };
}

/** These have no meaning in ignore files, but the library gives them their meaning in regular expressions. */
function escapeLetters(line: string): string {
  return line.startsWith("#")
    ? line
    : line.replace(/(\\.)|\[[^\]]*\]|[+(){}|]/g, (found, escaped: string | undefined) =>
        escaped !== undefined || found.startsWith("[") ? found : `\\${found}`,
      );
}
