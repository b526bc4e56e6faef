/** Which tasks did not run because of one. Pure; knows no events. */

/** Those that `task` blocked, those that these blocked, and so on, sorted. `blockedBy` has what each task blocked itself. */
export function findBlocked(task: string, blockedBy: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found = new Set(blockedBy.get(task));
  for (const one of found) for (const next of blockedBy.get(one) ?? []) found.add(next); // Those added are visited as well.
  return [...found].sort();
}
