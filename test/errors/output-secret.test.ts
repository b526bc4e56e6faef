import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

const bake = `task({ params: { recipe: param.secret() }, inputs: [], outputs: ["loaves/"], run: 'mkdir "loaves/$RECIPE"; touch "loaves/$RECIPE/crust"' })`;

test("OUTPUT_SECRET: a secret in the name of an output fails the task, and nothing remembers the name", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }) });

  const result = await p.bt("bake", "-s", "RECIPE=grandmother");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: The name of an output of task "bake" contains a secret
      at   task "bake"
      fix  Call it something else: names of outputs are remembered in files, and sent to caches.
    "
  `);
  expect(p.exists("loaves/grandmother/crust")).toBe(false);
});

test("a secret that the builderfile itself says is none", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake }) });

  expect((await p.bt("bake", "RECIPE=loaves")).stdout).toContain("1 ran");
});
