/** The solved files change together or not at all; who else has changed them is an error. Does not know what is in them. */
import * as path from "node:path";
import { commitChanges as commit, recoverChanges as recover, type Change } from "../../core/index.ts";
import { filesChanged, journalForeign } from "./solve-errors.ts";

/** @throws BtError RPM_DEPS_FILES_CHANGED when a file is no longer what it was */
export function commitChanges(root: string, journal: string, changes: readonly Change[]): readonly string[] {
  const done = commit(root, journal, changes);
  if ("strange" in done) throw filesChanged(done.strange);
  return done.written;
}

/**
 * The files that an interrupted commit had not brought to their end, and now are.
 * @throws BtError RPM_DEPS_JOURNAL_FOREIGN when a file is neither the old nor the new one
 */
export function recoverChanges(root: string, journal: string, files: readonly string[]): readonly string[] {
  const done = recover(root, journal, files);
  if ("strange" in done) throw journalForeign(done.strange, path.relative(root, journal));
  return done.written;
}
