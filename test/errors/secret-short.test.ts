import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("SECRET_SHORT: a param too short to be hidden ends bt before anything runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ params: { recipe: param.secret() }, run: "touch baked" })` }),
  });

  const result = await p.bt("bake", "RECIPE=abc");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A secret is shorter than 4 bytes; hiding it would hide half of every output
      at   RECIPE of task "bake"
      fix  Use a longer secret, or do not declare this value as one.
    "
  `);
  expect(p.exists("baked")).toBe(false);
});

test("SECRET_SHORT: a text too short to be hidden fails the task that names it", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: ({ hide }) => hide("abc") })` }) });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: A secret is shorter than 4 bytes; hiding it would hide half of every output
      task bake
      fix  Use a longer secret, or do not declare this value as one.
    "
  `);
});
