/** Several files that change together or not at all, whenever the power goes. Does not know what is in them. */
import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync } from "node:fs";
import * as path from "node:path";
import { replaceFile, stageFile } from "./files.ts";

/** One file and what becomes of it. Paths are relative to the project root. */
export interface Change {
  readonly file: string;
  /** Content that it had when the work began. */
  readonly before: Content;
  readonly after: Content;
}

type Content = string | Uint8Array;

/** The files that were written, or those that somebody else has changed: then none was. */
export type Changed = { readonly written: readonly string[] } | { readonly strange: readonly string[] };

/** What is on disk while files are renamed. */
interface Journal {
  readonly schema: 1;
  /** Hex SHA-256 of the texts. */
  readonly files: readonly { readonly file: string; readonly before: string; readonly after: string }[];
}

/** Writes the new files beside the old ones, then a journal, then renames each. Files that do not change are not touched. */
export function commitChanges(root: string, journal: string, changes: readonly Change[]): Changed {
  const strange = changes.filter(({ file, before }) => digest(path.resolve(root, file)) !== hash(before));
  if (strange.length > 0) return { strange: strange.map(({ file }) => file) };
  const real = changes.filter(({ before, after }) => hash(before) !== hash(after));
  if (real.length === 0) return { written: [] };
  for (const { file, after } of real) {
    rmSync(stagedName(root, file), { force: true });
    stageFile(stagedName(root, file), after, path.resolve(root, file));
  }
  const entries = real.map(({ file, before, after }) => ({ file, before: hash(before), after: hash(after) }));
  writeJournal(journal, { schema: 1, files: entries });
  for (const { file } of real) renameSync(stagedName(root, file), path.resolve(root, file));
  for (const folder of new Set(real.map(({ file }) => path.dirname(path.resolve(root, file))))) syncFolder(folder);
  rmSync(journal);
  return { written: real.map(({ file }) => file) };
}

/**
 * Ends what an interrupted commit began. `files` may have been staged before there was a journal: those are removed.
 * A file that is neither the old nor the new one stays, and the others with it.
 */
export function recoverChanges(root: string, journal: string, files: readonly string[]): Changed {
  const text = findBytes(journal)?.toString("utf8");
  if (text === undefined) {
    for (const file of files) rmSync(stagedName(root, file), { force: true });
    return { written: [] };
  }
  const { files: entries }: Journal = JSON.parse(text);
  const isFine = ({ file, before, after }: Journal["files"][number]): boolean => {
    const now = digest(path.resolve(root, file));
    return now === after || (now === before && digest(stagedName(root, file)) === after);
  };
  const strange = entries.filter((entry) => !isFine(entry));
  if (strange.length > 0) return { strange: strange.map(({ file }) => file) };
  for (const { file, after } of entries)
    if (digest(path.resolve(root, file)) !== after) renameSync(stagedName(root, file), path.resolve(root, file));
  rmSync(journal);
  return { written: entries.map(({ file }) => file) };
}

/** Beside the file: a rename does not leave the file system. */
function stagedName(root: string, file: string): string {
  return `${path.resolve(root, file)}.bt-new`;
}

function writeJournal(file: string, journal: Journal): void {
  replaceFile(file, JSON.stringify(journal));
  syncFolder(path.dirname(file));
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function findBytes(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Undefined: it is not there. */
function digest(file: string): string | undefined {
  const found = findBytes(file);
  return found === undefined ? undefined : hash(found);
}

function hash(content: Content): string {
  return createHash("sha256").update(content).digest("hex");
}
