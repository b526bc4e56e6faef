import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("TASK_TIMED_OUT: the time is that of the task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ timeoutMs: 100, run: ["tail", "-f", "/dev/null"] })` }),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: Task "bake" was not done after 0.1 s
      at   task "bake"
      fix  Make it faster, or raise its \`timeoutMs\`.
    "
  `);
});
