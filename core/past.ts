/** Past runs as something to compare with and to repeat. Does not know what for. */
import * as path from "node:path";
import { runMissing, runUnrepeatable } from "./errors/past.ts";
import { findJournal, type Entry } from "./journal.ts";
import { findRun, type RunFacts, type RunRecord } from "./record.ts";
import { listRuns } from "./runs.ts";

/** A run that can be asked for again. */
export type PastRun = RunRecord & RunFacts;

/** Id of the run that is meant. @param name an id, or `last` for the newest */
export function runId(root: string, name: string): string {
  return name === "last" ? (listRuns(root)[0] ?? name) : name;
}

/**
 * @param name an id, or `last` for the newest run
 * @throws BtError RUN_MISSING, RUN_UNREPEATABLE for one that an older bt has written
 */
export function findPastRun(root: string, name: string): PastRun {
  const found = findRun(root, runId(root, name));
  if (found === undefined) throw runMissing(name, listRuns(root));
  const { selection, rest, params, versions, command } = found;
  if (selection === undefined || rest === undefined || params === undefined || versions === undefined)
    throw runUnrepeatable(found.id);
  return { ...found, selection, rest, params, versions, command: command ?? "" };
}

/** What the tasks of a run came to. */
export function journalOf(root: string, run: string): ReadonlyMap<string, Entry> {
  return findJournal(path.join(root, ".bt", "runs", run)) ?? new Map<string, Entry>();
}

/** What the tasks of a run came to; of one that was up to date then, what another run came to that had the same key: the last before, else one after. */
export function entriesOf(root: string, run: string): ReadonlyMap<string, Entry> {
  const entries = new Map(journalOf(root, run));
  const wanted = new Map<string, string>();
  for (const [task, { key }] of Object.entries(findRun(root, run)?.tasks ?? {}))
    if (key !== undefined && !entries.has(task)) wanted.set(task, key);
  const runs = listRuns(root);
  for (const other of [...runs.filter((id) => id < run), ...runs.filter((id) => id > run).reverse()]) {
    if (wanted.size === 0) break;
    for (const entry of journalOf(root, other).values()) {
      if (wanted.get(entry.task) !== entry.key || entry.result === undefined) continue;
      entries.set(entry.task, entry);
      wanted.delete(entry.task);
    }
  }
  return entries;
}
