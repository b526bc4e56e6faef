import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("PARAM_UNKNOWN: a need fixes a param that the task does not have", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: "bake", eat: `task({ needs: [bake.with({ haet: 200 })], run: "true" })` },
      `const bake = task({ params: { heat: param.integer() }, run: "true" });`,
    ),
  });

  const result = await p.bt("eat");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" is given a param "haet" that it does not have
      fix  Use "heat".
    "
  `);
});
