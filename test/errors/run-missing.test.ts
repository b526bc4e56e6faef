import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_MISSING: a run that is not kept cannot be replayed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.bt("--replay", "20260101T000000-1");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no run "20260101T000000-1"
      fix  \`bt --runs\` lists the runs that are kept.
    "
  `);
});

test("RUN_MISSING: there is nothing to resume before the first run", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });

  const result = await p.bt("--resume");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No run is remembered
      fix  \`bt --runs\` lists the runs that are kept.
    "
  `);
});

test("RUN_MISSING: the log of a run that is not kept is told from one that does not hold the task", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "echo warm" })` }) });
  await p.bt("bake");

  const result = await p.bt("--logs", "bake", "--run", "old");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no run "old"
      fix  \`bt --runs\` lists the runs that are kept.
    "
  `);
});
