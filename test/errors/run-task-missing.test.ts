import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_TASK_MISSING: a task that was not part of a run cannot be compared with it", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: "true" })`, serve: `task({ run: "true" })` }),
  });
  await p.bt("bake");
  const [run = ""] = fs.readdirSync(path.join(p.root, ".bt/runs"));

  const result = await p.bt("--why", "serve", "--vs", run);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr.replace(run, "RUN")).toMatchInlineSnapshot(`
    "bt: Nothing is remembered of task "serve" in RUN
      fix  Name a run in which it was: \`bt --runs\` lists them.
    "
  `);
});
