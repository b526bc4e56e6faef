import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("POOL_UNKNOWN: a pool without capacity is a mistake before anything runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mix: `task({ run: "touch mixed" })`,
      bake: `task({ needs: ["mix"], pool: "oven", run: "true" })`,
      fry: `task({ pool: ["consle"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake", "fry");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" is in the pool "oven", which has no capacity
      at   builderfile.ts:5:11
           "bake": task({ needs: ["mix"], pool: "oven", run: "true" }),
                   ^
      fix  Say \`pools: { "oven": 1 }\` in defineBuilder.
    bt: Task "fry" is in the pool "consle", which has no capacity
      at   builderfile.ts:6:10
           "fry": task({ pool: ["consle"], run: "true" }),
                  ^
      fix  Say \`pools: { "consle": 1 }\` in defineBuilder, or use "console".
    "
  `);
  expect(p.exists("mixed")).toBe(false);
});
