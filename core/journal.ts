/** What every task of one run has come to, and the key it had then: one line each, added as the tasks end. Does not know what is compared with it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findText, isFolder, makeFolder, writeAll, type FileFact } from "./files.ts";
import type { KeyDocument } from "./fingerprint.ts";

/** One task of one run. */
export interface Entry {
  readonly task: string;
  readonly key: string;
  readonly document: KeyDocument;
  /** What dependents' keys hold of it. Absent: it did not succeed. */
  readonly result?: string;
  readonly outputs: readonly FileFact[];
  /** What the action returned. */
  readonly value?: unknown;
}

export interface Journal {
  /** The entry is in the file when this returns, before whatever needs the task starts: a bt that is killed then can be resumed. */
  readonly keep: (entry: Entry) => void;
  readonly close: () => void;
}

const journalName = "results.ndjson";

/** Opens the journal of a new run; there is no file before the first entry. */
export function openJournal(root: string, run: string): Journal {
  const folder = path.join(root, ".bt", "runs", run);
  let descriptor: number | undefined;
  const write = (line: string): void => {
    if (descriptor === undefined) {
      makeFolder(folder);
      descriptor = fs.openSync(path.join(folder, journalName), "a");
    }
    writeAll(descriptor, line);
  };
  return {
    keep(entry) {
      const { document, outputs } = entry;
      const plain = {
        ...entry,
        document: { ...document, inputs: document.inputs.map(withoutStamp) },
        outputs: outputs.map(withoutStamp),
      };
      try {
        write(`${JSON.stringify(plain)}\n`);
      } catch {
        // The disk is full, which the record of the run says: this run cannot be resumed, and that is all.
      }
    },
    close() {
      if (descriptor !== undefined) fs.closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

/** Times of files mean nothing on another day. */
function withoutStamp({ path: file, kind, digest }: FileFact): FileFact {
  return { path: file, kind, digest };
}

/**
 * Entries by task; of several the last one counts, and a line that was cut by a kill is left out.
 * @param place a run's folder, or the journal in it; undefined when nothing is there
 */
export function findJournal(place: string): ReadonlyMap<string, Entry> | undefined {
  const text = findText(isFolder(place) ? path.join(place, journalName) : place);
  if (text === undefined) return undefined;
  const entries = text.split("\n").flatMap((line) => parseEntry(line) ?? []);
  return new Map(entries.map((entry) => [entry.task, entry]));
}

function parseEntry(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Entry>; // Written above; a foreign file fails the check.
    return typeof entry.task === "string" && typeof entry.key === "string" && Array.isArray(entry.document?.leaves)
      ? (entry as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}
