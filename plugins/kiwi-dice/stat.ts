/** What stands at a path, cheaply also for many paths where nothing does. */
import { statSync, type Stats } from "node:fs";

/** Links are followed. Undefined: there is nothing, or a file where a folder would have to be. */
export function findStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw error;
  }
}
