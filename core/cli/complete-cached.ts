/** The script that answers a TAB: from what was kept of the last long way, without the engine. Loads nothing heavy, writes nothing. */
import * as path from "node:path";
import { findManifest } from "../warm.ts";
import { complete } from "./complete.ts";
import { listRuns } from "../runs.ts";
import { findOutline, renderCompletion } from "./outline-file.ts";
import { print } from "./print.ts";

declare const BT_BUILD: string;
declare const BT_TEMPLATE_NAMES: readonly string[];

/** Prints how the words may go on. False: only the long way knows. */
export function tryComplete(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): boolean {
  if (env["BT_SHORTCUT"] === "off" || words.some((word) => /^(-f|--(file|makefile|builderfile)\b)/.test(word)))
    return false;
  const manifest = findManifest(folderOf(words, cwd), BT_BUILD, env);
  const outline = manifest === undefined ? undefined : findOutline(manifest);
  if (manifest === undefined || outline === undefined) return false;
  const runs = (): readonly string[] => listRuns(manifest.root);
  print(renderCompletion(complete(words, { ...outline, runs, templates: BT_TEMPLATE_NAMES })));
  return true;
}

/** Where `-C` leads, if it stands before the cursor. */
function folderOf(words: readonly string[], cwd: string): string {
  const at = words.findLastIndex((word, place) => /^(-C|--directory)$/.test(word) && place < words.length - 2);
  const joined = words.findLast((word, place) => /^(-C.|--directory=)/.test(word) && place < words.length - 1);
  return path.resolve(cwd, at === -1 ? (joined ?? ".").replace(/^(-C|--directory=)/, "") : (words[at + 1] ?? "."));
}
