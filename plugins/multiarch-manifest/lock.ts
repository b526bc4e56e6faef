/** One owner at a time for a path: promises of this process in their order, and one process of this machine. Does not know what is protected. */
import { acquireLock } from "../../core/index.ts";

/** How long to wait for a lock. */
export interface LockOptions {
  /** Called once, when the lock is held by another process; gets its process id. */
  readonly onWait?: (pid: number) => void;
  readonly signal?: AbortSignal;
}

const queues = new Map<string, Promise<unknown>>();

/** Runs `work` while this process alone holds `path`. The lock of a dead process is taken over. */
export async function withLock<T>(path: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const turn = before.then(() => holdFile(path, work, options));
  const settled = turn.catch(() => undefined);
  queues.set(path, settled);
  try {
    return await turn;
  } finally {
    if (queues.get(path) === settled) queues.delete(path);
  }
}

async function holdFile<T>(path: string, work: () => Promise<T>, { onWait, signal }: LockOptions): Promise<T> {
  const lock = await acquireLock(path, { signal, onWait: ({ pid }) => onWait?.(pid) });
  try {
    return await work();
  } finally {
    lock.release();
  }
}
