import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("SERVICE_ENDED: a service that ends before it is ready fails with its last lines, and blocks what needs it", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      oven: `task({ service: true, readyWhen: { line: "hot" }, run: "echo no gas; exit 3" })`,
      rye: `task({ needs: ["oven"], run: "echo rye >> log" })`,
    }),
  });

  const result = await p.bt("rye", "--json");

  expect(result.exitCode).toBe(1);
  expect(p.exists("log")).toBe(false);
  const done = result.stdout
    .split("\n")
    .filter((line) => line.includes('"done"'))
    .map((line) => JSON.parse(line) as { task: string; outcome: string; failure?: { code: string; detail: string[] } });
  expect(done.find(({ task }) => task === "oven")).toMatchObject({
    outcome: "failed",
    failure: { code: "SERVICE_ENDED", detail: expect.arrayContaining(["no gas"]) },
  });
  expect(done.find(({ task }) => task === "rye")).toMatchObject({ outcome: "blocked", blockedBy: "oven" });
});
