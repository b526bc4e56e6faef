/** Several files that change together or not at all, whenever the power goes. Does not know what is in them. */
import { createHash } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import * as path from "node:path";
import { filesChanged, journalForeign } from "./solve-errors.ts";

/** One file and what becomes of it. Paths are relative to the project root. */
export interface Change {
  readonly file: string;
  /** Text that it had when the work began. */
  readonly before: string;
  readonly after: string;
}

/** What is on disk while files are renamed. */
interface Journal {
  readonly schema: 1;
  /** Hex SHA-256 of the texts. */
  readonly files: readonly { readonly file: string; readonly before: string; readonly after: string }[];
}

/**
 * Writes the new files beside the old ones, then a journal, then renames each. Files that do not change are not touched.
 * @throws BtError RPM_DEPS_FILES_CHANGED when one is no longer what it was
 */
export function commitChanges(root: string, journal: string, changes: readonly Change[]): readonly string[] {
  const strange = changes.filter(({ file, before }) => readText(path.join(root, file)) !== before);
  if (strange.length > 0) throw filesChanged(strange.map(({ file }) => file));
  const real = changes.filter(({ before, after }) => before !== after);
  if (real.length === 0) return [];
  for (const { file, after } of real) writeSynced(stagedName(root, file), after, modeOf(path.join(root, file)));
  const entries = real.map(({ file, before, after }) => ({ file, before: hash(before), after: hash(after) }));
  writeJournal(journal, { schema: 1, files: entries });
  for (const { file } of real) renameSync(stagedName(root, file), path.join(root, file));
  for (const folder of new Set(real.map(({ file }) => path.dirname(path.join(root, file))))) syncFolder(folder);
  rmSync(journal);
  return real.map(({ file }) => file);
}

/**
 * Ends what an interrupted commit began. `files` may have been staged before there was a journal: those are removed.
 * Returns the files that now have their new text.
 * @throws BtError RPM_DEPS_JOURNAL_FOREIGN when a file is neither the old nor the new one
 */
export function recoverChanges(root: string, journal: string, files: readonly string[]): readonly string[] {
  const text = readText(journal);
  if (text === undefined) {
    for (const file of files) rmSync(stagedName(root, file), { force: true });
    return [];
  }
  const { files: entries }: Journal = JSON.parse(text);
  const digest = (file: string): string | undefined => {
    const found = readText(file);
    return found === undefined ? undefined : hash(found);
  };
  const isFine = ({ file, before, after }: Journal["files"][number]): boolean => {
    const now = digest(path.join(root, file));
    return now === after || (now === before && digest(stagedName(root, file)) === after);
  };
  const strange = entries.filter((entry) => !isFine(entry));
  if (strange.length > 0)
    throw journalForeign(
      strange.map(({ file }) => file),
      path.relative(root, journal),
    );
  for (const { file, after } of entries)
    if (digest(path.join(root, file)) !== after) renameSync(stagedName(root, file), path.join(root, file));
  rmSync(journal);
  return entries.map(({ file }) => file);
}

/** Replaces one file in one step. */
export function replaceFile(file: string, text: string): void {
  const staged = `${file}.bt-new`;
  writeSynced(staged, text, modeOf(file));
  renameSync(staged, file);
}

/** Beside the file: a rename does not leave the file system. */
function stagedName(root: string, file: string): string {
  return `${path.join(root, file)}.bt-new`;
}

function writeJournal(file: string, journal: Journal): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const staged = `${file}.${process.pid}`;
  writeSynced(staged, JSON.stringify(journal), 0o644);
  renameSync(staged, file);
  syncFolder(path.dirname(file));
}

function writeSynced(file: string, text: string, mode: number): void {
  const handle = openSync(file, "w", mode);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function modeOf(file: string): number {
  return (statSync(file, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o777;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
