import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks(
  {
    bake: "bake",
    serve: `task({ needs: ["bake:sqare"], run: "true" })`,
    cool: `task({ matrix: { tin: ["round", "oval"] }, needs: [bake.cell()], run: "true" })`,
  },
  `const bake = task({ matrix: { tin: ["round", "square"] }, run: "true" });`,
);

test("CELL_UNKNOWN: a misspelt cell names the closest one", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake:rond");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" has no cell "rond"
      fix  Use "bake:round".
    "
  `);
});

test("CELL_UNKNOWN: a need names a cell that is not there", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("serve");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" has no cell "sqare"
      at   builderfile.ts:5:12
           "serve": task({ needs: ["bake:sqare"], run: "true" }),
                    ^
      fix  Use "bake:square".
    "
  `);
});

test("CELL_UNKNOWN: a task needs the cell of its own name, which the other one lacks", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("cool");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" has no cell "oval"
      at   builderfile.ts:6:11
           "cool": task({ matrix: { tin: ["round", "oval"] }, needs: [bake.cell()], run: "true" }),
                   ^
      fix  Use one of "round" and "square".
    "
  `);
});
