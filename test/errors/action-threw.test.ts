import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("ACTION_THREW: the place is where the action threw", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: () => { throw new TypeError("No flour\\nand no salt"); } })` }),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: Task "bake" threw TypeError: No flour
      at   builderfile.ts:4:37
           and no salt
      fix  Correct the task's action, or handle the error in it.
    "
  `);
});

test("ACTION_THREW: what is no error has no place but the task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: async () => { throw "No flour"; } })` }),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: Task "bake" threw a value: No flour
      at   task "bake"
      fix  Correct the task's action, or handle the error in it.
    "
  `);
});

test("ACTION_THREW: a condition or a status check may throw as well", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ when: () => { throw new Error("Who knows"); }, run: "true" })` }),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: Task "bake" threw Error: Who knows
      at   builderfile.ts:4:38
      fix  Correct the task's action, or handle the error in it.
    "
  `);
});
