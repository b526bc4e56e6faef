import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("CACHE_MISS: with `--cache=only` a task that is in no cache fails, and does not run", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ inputs: [], outputs: ["loaf"], run: "touch loaf" })` }),
  });

  const result = await p.bt("bake", "--cache=only", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(result.stdout).toMatchInlineSnapshot(`
    "bt: Task "bake" is in no cache, and only what is in one may be taken
      fix  Leave out \`--cache=only\` to run it.
    "
  `);
  expect(p.exists("loaf")).toBe(false);
});
