import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("DIRECTORY_MISSING: `-C` needs a folder that exists", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.bt("-C", "kitchen", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no folder "kitchen"
      fix  Correct the folder after \`-C\`.
    "
  `);
});

test("DIRECTORY_MISSING: a file is no folder, nor is there one below it", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.bt("-C", "builderfile.ts/kitchen", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no folder "builderfile.ts/kitchen"
      fix  Correct the folder after \`-C\`.
    "
  `);
});
