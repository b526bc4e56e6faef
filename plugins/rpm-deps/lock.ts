/** One run at a time in a project; a lock whose process is gone is taken over. Does not know what it guards. */
import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import * as path from "node:path";
import { lockHeld } from "./solve-errors.ts";

/**
 * Takes the lock, a symbolic link that names its owner: made in one step, so it is never half written.
 * @throws BtError RPM_DEPS_LOCKED at once
 */
export function takeLock(file: string): () => void {
  const owner = `${process.pid}:${startTime(process.pid)}`;
  mkdirSync(path.dirname(file), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    try {
      symlinkSync(owner, file);
      return () => unlinkSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error; // Of symlinkSync.
    }
    const holder = findHolder(file);
    const [pid = "", start = ""] = (holder ?? "").split(":");
    if (holder === undefined) continue;
    if (attempt > 20 || (start !== "" && startTime(Number(pid)) === start)) throw lockHeld(pid);
    remove(file, holder);
  }
}

function findHolder(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined; // Released just now.
  }
}

/** Two runs may find the same dead owner: renaming succeeds for one of them. */
function remove(file: string, holder: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readlinkSync(aside) !== holder) renameSync(aside, file);
  } catch {
    return;
  }
  rmSync(aside, { force: true });
}

/** Clock ticks after boot: a number that is used again is somebody else. Empty: there is no such process. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
