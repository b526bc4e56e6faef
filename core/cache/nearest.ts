/** Why no cache has a task's result: which of its kept results comes nearest, and what is otherwise. Changes nothing; knows this machine's cache only. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { CachedResult } from "../cache-store.ts";
import { findStat, findText, hashText } from "../files.ts";
import { compareDocuments, keyText, parseKeyText, type KeyDocument } from "../fingerprint.ts";
import { blobFolder, readResult, resultFolder } from "./local.ts";

/** A kept result of a task under another key. */
export interface Nearest {
  /** Name of the cache. */
  readonly cache: string;
  /** When it was made. Milliseconds since 1970. */
  readonly madeMs: number;
  /** What its key was made of. */
  readonly document: KeyDocument;
}

/** Results that are looked at: those used last. */
const most = 2000;

/** Of each task, the kept result with the fewest differences; of several the newest. */
export function findNearest(folder: string, documents: ReadonlyMap<string, KeyDocument>): ReadonlyMap<string, Nearest> {
  const found = new Map<string, Nearest & { readonly differences: number }>();
  for (const result of listResults(folder)) {
    const document = documents.get(result.task);
    const kept = document === undefined ? undefined : findDocument(folder, result);
    if (document === undefined || kept === undefined) continue;
    const differences = compareDocuments(kept, document).length;
    const best = found.get(result.task);
    const isBetter =
      best === undefined ||
      differences < best.differences ||
      (differences === best.differences && result.madeMs > best.madeMs);
    if (differences > 0 && isBetter)
      found.set(result.task, { cache: "local", madeMs: result.madeMs, document: kept, differences });
  }
  return found;
}

function* listResults(folder: string): Generator<CachedResult> {
  const results = path.join(folder, resultFolder);
  const names = findStat(results)?.isDirectory() === true ? fs.readdirSync(results) : [];
  const used = names.map((name) => ({ name, usedMs: findStat(path.join(results, name))?.mtimeMs ?? 0 }));
  for (const { name } of used.sort((a, b) => b.usedMs - a.usedMs).slice(0, most)) {
    const result = readResult(path.join(results, name), name);
    if (result !== undefined) yield result;
  }
}

/** Only if it is what the key says. */
function findDocument(folder: string, { document, key }: CachedResult): KeyDocument | undefined {
  const text = findText(path.join(folder, blobFolder, document.digest));
  if (text === undefined || hashText(text) !== key) return undefined;
  const parsed = parseKeyText(text);
  return parsed !== undefined && keyText(parsed) === text ? parsed : undefined;
}
