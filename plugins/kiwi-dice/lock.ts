/** One build at a time for a recipe: waits as long as was asked for, and tells who builds. Does not know what is protected. */
import { lstatSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { tryLock, type Holder, type Lock } from "../../core/index.ts";

/** Takes the lock, or waits for it. Who has it still when the time is up. */
export async function takeLock(
  path: string,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly onWait?: (holder: Holder) => void },
): Promise<Lock | { readonly holder: Holder }> {
  const note = `of ${findUserName()} on ${hostname()} since ${new Date().toISOString()}`;
  const deadline = Date.now() + options.timeoutMs;
  for (let isWaiting = false; ; isWaiting = true) {
    const taken = tryLock(path, note);
    if ("release" in taken || Date.now() >= deadline) return taken;
    if (!isWaiting) options.onWait?.(taken.holder);
    await wait(100, undefined, { signal: options.signal });
  }
}

/** Removes a lock that nobody holds. Returns who holds it if somebody does. */
export function dropStale(path: string): Holder | undefined {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
  const taken = tryLock(path);
  if ("holder" in taken) return taken.holder;
  taken.release();
  return undefined;
}

/** `process 4711 of ann on forge since 2026-11-21T08:00:00.000Z` */
export function showHolder({ pid, note }: Holder): string {
  return `process ${pid} ${note}`.trimEnd();
}

function findUserName(): string {
  try {
    return process.env["SUDO_USER"] ?? userInfo().username;
  } catch {
    return String(process.getuid?.()); // The user has no entry in the table.
  }
}
