import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("RESULT_SECRET: a secret in the result fails the task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ params: { recipe: param.secret() }, run: ({ params }) => ({ from: params.recipe }) })`,
    }),
  });

  const result = await p.bt("bake", "-s", "RECIPE=grandmother");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: The result of task "bake" contains a secret
      at   task "bake"
      fix  Return something else: results are remembered in files.
    "
  `);
});
