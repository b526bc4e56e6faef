/** What a publish has done so far, on disk, so that the next run knows what an interrupted one left. Does not know what it does. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** One tag that was about to be moved, or was. */
export interface JournalMove {
  /** `quay.io/bake/oven:1`. */
  readonly reference: string;
  /** What it stood for before. Absent: it did not exist. */
  readonly from?: string;
  readonly to: string;
}

/** The phases of a publish, in order. */
export type Phase = "check" | "collect" | "probe" | "upload" | "verify" | "tags" | "read-back";

/** The state of one publish. */
export interface Journal {
  readonly schema: 1;
  readonly phase: Phase;
  /** In the order in which they are moved; written before the first one. Empty before phase `tags`. */
  readonly moves: readonly JournalMove[];
}

/** What an interrupted publish has left. Undefined: the last one came to its end. */
export async function readJournal(path: string): Promise<Journal | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const journal = JSON.parse(text) as Journal;
    return journal.schema === 1 && Array.isArray(journal.moves) ? journal : undefined;
  } catch {
    return undefined;
  }
}

/** Notes a step: a new file and a rename. */
export async function writeJournal(path: string, journal: Journal): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const staged = `${path}.${process.pid}`;
  await writeFile(staged, JSON.stringify(journal));
  await rename(staged, path);
}

/** The publish has come to an end, good or rolled back. */
export async function removeJournal(path: string): Promise<void> {
  await rm(path, { force: true });
}
