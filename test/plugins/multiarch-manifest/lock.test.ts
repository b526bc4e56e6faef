/** One owner at a time for a path: who has ended owns nothing, also when somebody else has got its number. */
import { readFile, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "../../../plugins/multiarch-manifest/lock.ts";
import { temporaryFolder } from "../../support/temporary.ts";

test.each([
  ["that another process has the number of", { pid: process.pid, started: "1" }],
  ["from an earlier boot", { pid: process.pid, boot: "earlier" }],
])("the lock of a process %s is taken over", async (_, changes) => {
  const path = join(await temporaryFolder(), "lock");
  const own = await withLock(path, () => readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...(JSON.parse(own) as object), ...changes, id: "other" }));

  expect(await withLock(path, async () => "mine")).toBe("mine");
  expect(existsSync(path)).toBe(false);
});

test("who holds a lock is waited for, and named once", async () => {
  const path = join(await temporaryFolder(), "lock");
  const own = await withLock(path, () => readFile(path, "utf8"));
  await writeFile(path, own); // As another process would see it.
  const stop = new AbortController();
  const waited: number[] = [];
  const onWait = (pid: number): void => {
    waited.push(pid);
    stop.abort(new Error("enough"));
  };

  await expect(withLock(path, async () => "mine", { onWait, signal: stop.signal })).rejects.toThrow();

  expect(waited).toEqual([process.pid]);
  expect(await readFile(path, "utf8")).toBe(own);
});
