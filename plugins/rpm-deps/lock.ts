/** One run at a time in a project; a second one fails at once. Does not know what it guards. */
import * as path from "node:path";
import { tryLock } from "../../core/index.ts";
import { lockHeld } from "./solve-errors.ts";

/**
 * Takes the lock of the plugin's folder. Returns what gives it back.
 * @throws BtError RPM_DEPS_LOCKED
 */
export function takeLock(folder: string): () => void {
  const taken = tryLock(path.join(folder, "lock"));
  if ("holder" in taken) throw lockHeld(taken.holder.pid);
  return taken.release;
}
