import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("SERVICE_UNREADY: a service that is not ready in its time is stopped", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, readyWhen: { line: "hot", timeoutMs: 300 }, run: "exec sleep 600" })`,
      rye: `task({ needs: ["oven"], run: "true" })`,
    }),
  });

  const result = await p.bt("rye");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(result.stdout).toContain('Service "oven" was not ready after 0.3 s');
});
