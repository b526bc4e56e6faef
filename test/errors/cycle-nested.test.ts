import { expect, test } from "vitest";
import { bt } from "../support/make.ts";
import { project, withTasks } from "../support/project.ts";

test("CYCLE_NESTED: a task calls bt for itself", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ run: ["sh", "again.sh"] })` }),
    "again.sh": `exec ${bt} bake\n`,
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain(
    `bt: A task waits for itself, through a bt that it has started: bake → bake\n  fix  Call bt below "bake" for other tasks only.\n`,
  );
});
