/** Removes files and folders, whatever modes they have. Does not know what they are. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findStat, hasCode } from "./files.ts";

/** Removes a file or a folder with all in it, also where folders of ours may not be written; not being there is fine. */
export function removePath(file: string): void {
  const remove = (): void => fs.rmSync(file, { recursive: true, force: true });
  try {
    remove();
  } catch (error) {
    if (!hasCode(error, "EACCES") || !tryOpenFolders(file)) throw error;
    remove();
  }
}

/** Lets their owner write a folder and those in it, and look into them. */
function tryOpenFolders(file: string): boolean {
  try {
    const stat = findStat(file);
    if (stat?.isDirectory() !== true) return true;
    if ((stat.mode & 0o700) !== 0o700) fs.chmodSync(file, stat.mode | 0o700);
    return fs.readdirSync(file).every((name) => tryOpenFolders(path.join(file, name)));
  } catch {
    return false; // Somebody else's.
  }
}
