import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("RUN_UNREPEATABLE: a record without the request, as older versions wrote it, cannot be resumed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "true" })` }) });
  p.write(".bt/runs/1/run.json", JSON.stringify({ id: "1", version: 1, targets: ["bake"], startedMs: 0, tasks: {} }));

  const result = await p.bt("--resume");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The record of run "1" does not say what was asked for
      fix  It was written by an older bt: run the tasks by name.
    "
  `);
});
