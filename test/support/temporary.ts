/** Temporary folders that remove themselves after a test. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new empty folder, removed when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "bt-test-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}
