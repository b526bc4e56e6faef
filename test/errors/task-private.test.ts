import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("TASK_PRIVATE: a private task is only for other tasks", async () => {
  const p = await project({ "builderfile.ts": withTasks({ sift: `task({ private: true, run: "true" })` }) });

  const result = await p.bt("sift");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "sift" is private
      fix  Run a task that needs it; \`bt\` lists them.
    "
  `);
});
