import { expect, test } from "vitest";
import { taskProcesses, until } from "../support/processes.ts";
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

test("SERVICE_LOST: a service that ends while others are waited for is missed by the task that needs them all", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      gas: `task({ service: true, readyWhen: { line: "hot" }, run: "echo hot; until test -e cold; do sleep 0.01; done" })`,
      oven: `task({ service: true, readyWhen: { line: "warm" }, run: "touch lit; until test -e go; do sleep 0.01; done; echo warm; exec sleep 600" })`,
      rye: `task({ needs: ["gas", "oven"], run: "echo rye >> log" })`,
    }),
  });
  const { child, ended } = p.start({}, "--output=json", "rye");
  let stdout = "";
  child.stdout?.on("data", (text: string) => (stdout += text));
  await until(() => p.exists("lit"));

  p.write("cold", "");
  await until(() => /"task":"gas","state":"done"/.test(stdout));
  p.write("go", "");

  expect(await ended).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("SERVICE_LOST") });
  expect(p.exists("log")).toBe(false);
});
