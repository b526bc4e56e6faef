import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("CELL_OWN: a task without cells has no cell of its own name to need", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: "bake", serve: `task({ needs: [bake.cell()], run: "true" })` },
      `const bake = task({ matrix: { tin: ["round", "square"] }, run: "true" });`,
    ),
  });

  const result = await p.bt("serve");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "serve" needs the cell of "bake" that is called as its own, but has no cells
      at   builderfile.ts:5:12
           "serve": task({ needs: [bake.cell()], run: "true" }),
                    ^
      fix  Name the cell, one of "round" and "square", or give "serve" a matrix.
    "
  `);
});
