import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("MAKE_NAME_CLASH: a cell and a task would be the same target of make", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ matrix: { oven: ["left"] }, run: "true" })`,
      "bake-left": `task({ run: "true" })`,
    }),
  });

  const result = await p.bt("--make-shim");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Tasks "bake:left" and "bake-left" would both be called "bake-left" in a Makefile
      fix  Rename one of them.
    "
  `);
});
