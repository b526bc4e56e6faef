/** Several files at once: what an earlier commit left, and modes. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { commitChanges } from "../../core/change.ts";
import { project } from "../support/project.ts";

test("commitChanges() writes over what a commit that was killed has staged; modes stay", async () => {
  const { root, read } = await project({ cake: "1", "cake.bt-new": "half" });
  fs.chmodSync(path.join(root, "cake"), 0o666);

  const done = commitChanges(root, path.join(root, "journal"), [{ file: "cake", before: "1", after: "2" }]);

  expect([done, read("cake"), fs.readdirSync(root)]).toEqual([{ written: ["cake"] }, "2", ["cake"]]);
  expect(fs.statSync(path.join(root, "cake")).mode & 0o777).toBe(0o666);
});
