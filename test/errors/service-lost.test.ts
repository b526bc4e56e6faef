import { expect, test } from "vitest";
import { taskProcesses } from "../support/processes.ts";
import { project, withTasks } from "../support/project.ts";

test("SERVICE_LOST: a service that ends while it is needed fails the task that needs it", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, readyWhen: { line: "hot" }, run: "echo hot; while ! test -e baking; do sleep 0.02; done; echo power cut" })`,
      rye: `task({ needs: ["oven"], run: "touch baking; exec sleep 600" })`,
    }),
  });

  const result = await p.bt("rye");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('Service "oven" ended while it was needed');
  expect(result.stdout).toContain("power cut");
  expect(result.stdout).toContain('needs service "oven", which has ended');
  expect(taskProcesses(p.root)).toEqual([]);
});
