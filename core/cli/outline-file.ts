/** What completion reads and prints: the outline kept in `.bt/`, and the answer's lines. Knows neither tasks nor shells. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Manifest } from "../warm.ts";
import type { Completion, Outline } from "./complete.ts";

/** Below `.bt/`. */
export const outlineFile = "outline.json";

/** The tasks as they were when the manifest was written. Undefined: nobody has kept them. */
export function findOutline({ root, writtenMs }: Pick<Manifest, "root" | "writtenMs">): Outline | undefined {
  try {
    const kept = JSON.parse(fs.readFileSync(path.join(root, ".bt", outlineFile), "utf8")) as Outline & {
      writtenMs: number;
    }; // Written by the build that the manifest names.
    return kept.writtenMs === writtenMs ? kept : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The answer as the shells' scripts read it. First line: `word` or `open`, then a tab and `file` or `folder`, then a tab and what
 * stands before the path. Every other line: a word, a tab, its meaning.
 */
export function renderCompletion({ candidates, isOpen, paths }: Completion): string {
  const head = [isOpen === true ? "open" : "word", ...(paths === undefined ? [] : [paths.kind, paths.behind])].join(
    "\t",
  );
  const lines = candidates
    .filter(({ word }) => !/[\x00-\x1f\x7f]/.test(word))
    .map(({ word, description = "" }) => `${word}\t${description.replaceAll(/[\x00-\x1f\x7f]+/g, " ")}`);
  return `${[head, ...lines].join("\n")}\n`;
}
