/** Ids of past runs. Does not know what is in them: completion, which must be quick, reads no more. */
import * as fs from "node:fs";
import * as path from "node:path";

/** Ids of the runs that are kept, the newest first. */
export function listRuns(root: string): string[] {
  try {
    return fs
      .readdirSync(path.join(root, ".bt", "runs"))
      .sort()
      .reverse();
  } catch {
    return []; // No run yet.
  }
}
