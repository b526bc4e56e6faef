import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("PARAM_MISSING: every required param without a value is named before anything runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ run: "touch mixed" })`,
      bake: `task({ needs: ["mix"], params: { oven: param.string({ required: true, description: "Which oven" }), ovenHeat: param.integer({ required: true }) }, run: "true" })`,
    }),
  });

  const result = await p.bt("bake", "OVEN=");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" needs a value for OVEN (Which oven)
      fix  Add OVEN=… or \`--oven …\`, or set OVEN in the environment.
    bt: Task "bake" needs a value for OVEN_HEAT
      fix  Add OVEN_HEAT=… or \`--oven-heat …\`, or set OVEN_HEAT in the environment.
    "
  `);
  expect(p.exists("mixed")).toBe(false);
});
