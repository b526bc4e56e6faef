/** Temporary folders that remove themselves after a test. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new empty folder, removed when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bt-test-"));
  onTestFinished(() => removeFolder(dir));
  return dir;
}

/** Removes a folder in which processes that a test has killed may still be writing: it begins anew for some seconds. */
export function removeFolder(dir: string): void {
  for (let tries = 50; ; tries--) {
    try {
      rmSync(dir, { recursive: true, force: true });
      return;
    } catch (error) {
      if (tries === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100); // Teardown is not asynchronous everywhere.
    }
  }
}
