import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, project, withTasks, type Project, type Result } from "../support/project.ts";
import { canDropRights, dropRights } from "../support/rights.ts";

const bake = withTasks({ bake: `task({ inputs: ["flour"], outputs: ["cake"], run: "cp flour cake" })` });
const asNobody = { program: [...dropRights(), process.execPath, program] };

/** A bakery in which nobody may read one file. */
async function closed(file: string): Promise<{ readonly p: Project; readonly result: Result }> {
  const p = await project({ "builderfile.ts": bake, flour: "1", ".bt/readme.txt": "" });
  for (const folder of ["", ".bt"]) fs.chmodSync(path.join(p.root, folder), 0o777);
  fs.chmodSync(path.join(p.root, file), 0);
  return { p, result: await p.btWith(asNobody, "bake") };
}

const testAsNobody = test.skipIf(process.getuid?.() === 0 && !canDropRights());

testAsNobody("FILE_UNUSABLE: an input may not be read", async () => {
  const { p, result } = await closed("flour");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A file cannot be used: permission is denied (EACCES, open)
      at   flour
      fix  Give the user who runs bt the right to use it, then run bt again.
    "
  `);
  expect(p.exists("cake")).toBe(false);
});

testAsNobody("FILE_UNUSABLE: the builderfile may not be read", async () => {
  const { result } = await closed("builderfile.ts");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A file cannot be used: permission is denied (EACCES, open)
      at   builderfile.ts
      fix  Give the user who runs bt the right to use it, then run bt again.
    "
  `);
});
