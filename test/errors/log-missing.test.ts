import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("LOG_MISSING: a task that never ran has no log", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.bt("--logs", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No run that bt remembers holds output of task "bake"
      fix  Run the task first; \`bt --runs\` lists the runs.
    "
  `);
});

test("LOG_MISSING: a misspelt task of an earlier run is told from one that never ran", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "echo warm" })` }) });
  await p.bt("bake");

  const result = await p.bt("--logs", "bkae");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No run that bt remembers holds output of task "bkae"
      fix  Use "bake".
    "
  `);
});

test("LOG_MISSING: the log of a matrix task is that of its cells", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ matrix: { kind: ["rye", "oat"] }, run: "echo warm" })` }),
  });
  await p.bt("bake");

  const result = await p.bt("--logs", "bake", "--run", "last");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No log of run "last" holds output of task "bake"
      fix  Name one of its cells: "bake:oat" and "bake:rye".
    "
  `);
});
