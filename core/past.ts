/** Past runs as something to compare with and to repeat. Does not know what for. */
import * as path from "node:path";
import { runMissing, runUnrepeatable } from "./errors/past.ts";
import { findJournal, type Entry } from "./journal.ts";
import { findRun, type RunFacts, type RunRecord } from "./record.ts";
import { listRuns } from "./runs.ts";

/** A run that can be asked for again. */
export type PastRun = RunRecord & RunFacts;

/**
 * @param name an id, or `last` for the newest run
 * @throws BtError RUN_MISSING, RUN_UNREPEATABLE for one that an older bt has written
 */
export function findPastRun(root: string, name: string): PastRun {
  const runs = listRuns(root);
  const id = name === "last" ? runs[0] : name;
  const found = id === undefined ? undefined : findRun(root, id);
  if (found === undefined) throw runMissing(name, runs);
  const { selection, rest, params, versions, command } = found;
  if (selection === undefined || rest === undefined || params === undefined || versions === undefined)
    throw runUnrepeatable(found.id);
  return { ...found, selection, rest, params, versions, command: command ?? "" };
}

/** What the tasks of a run came to. */
export function journalOf(root: string, run: string): ReadonlyMap<string, Entry> {
  return findJournal(path.join(root, ".bt", "runs", run)) ?? new Map<string, Entry>();
}

/** A task of a run; one that was up to date then is found in the run before that had the same key. */
export function findPastEntry(root: string, run: string, task: string): Entry | undefined {
  const own = journalOf(root, run).get(task);
  const key = findRun(root, run)?.tasks[task]?.key;
  if (own !== undefined || key === undefined) return own;
  for (const other of listRuns(root)) {
    const entry = journalOf(root, other).get(task);
    if (entry?.key === key) return entry;
  }
  return undefined;
}
