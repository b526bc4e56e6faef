/** One owner at a time for a path. Who has ended owns nothing: test/core/lock.test.ts. */
import { readdirSync } from "node:fs";
import { readlink, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { withLock } from "../../../plugins/multiarch-manifest/lock.ts";
import { temporaryFolder } from "../../support/temporary.ts";

test("promises of one process have a path in their order", async () => {
  const path = join(await temporaryFolder(), "lock");
  const steps: string[] = [];
  const named = (pid: number): unknown => steps.push(`waits for ${pid}`);

  await Promise.all(
    ["a", "b", "c"].map((name) =>
      withLock(path, async () => void steps.push(name, await readlink(path).then(() => "held")), { onWait: named }),
    ),
  );

  expect(steps).toEqual(["a", "held", "b", "held", "c", "held"]);
  expect(readdirSync(dirname(path))).toEqual([]);
});

test("a path is given back when the work fails", async () => {
  const path = join(await temporaryFolder(), "lock");
  const failing = withLock(path, () => Promise.reject(new Error("burnt")));

  await expect(failing).rejects.toThrow("burnt");

  expect(await withLock(path, async () => "mine")).toBe("mine");
});

test("who holds a lock is waited for, and named once", async () => {
  const path = join(await temporaryFolder(), "lock");
  const own = await withLock(path, () => readlink(path));
  await symlink(own, path); // As another process would see it.
  const stop = new AbortController();
  const waited: number[] = [];
  const onWait = (pid: number): void => {
    waited.push(pid);
    stop.abort(new Error("enough"));
  };

  await expect(withLock(path, async () => "mine", { onWait, signal: stop.signal })).rejects.toThrow();

  expect(waited).toEqual([process.pid]);
  expect(await readlink(path)).toBe(own);
});
