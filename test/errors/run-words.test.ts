import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_WORDS: the tasks of a resumed run are those of the run", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: "false" })`, serve: `task({ run: "true" })` }),
  });
  await p.bt("bake");

  const result = await p.bt("--resume", "serve");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: --resume runs the tasks of a past run, and "serve" was asked for too
      fix  Leave out the task, or leave out \`--resume\`.
    "
  `);
});
