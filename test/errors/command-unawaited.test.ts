import { expect, test } from "vitest";
import { taskProcesses } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("COMMAND_UNAWAITED: a task is not done while a command of it still runs", async () => {
  const bake = "task({ inputs: [], run: ({ $, exec }) => { void $`sleep 60`; void exec('sleep', ['61']); } })";
  const p = await project({ "builderfile.ts": withTasks({ bake }) });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toContain(
    `bt: Task "bake" ended while \`sleep 60\` and \`sleep 61\` were still running
  at   task "bake"
`,
  );
  expect(result.stdout).toContain("  fix  Write `await` before the command, or end it with `defer`.\n");
  expect(taskProcesses(p.root)).toEqual([]);
  expect((await p.bt("--why", "bake")).stdout).toContain("it failed last time");
});
