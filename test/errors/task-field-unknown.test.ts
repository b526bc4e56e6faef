import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("TASK_FIELD_UNKNOWN: a misspelt field names the closest one", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ imputs: ["flour"], run: "true" })` }) });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A task has no "imputs"
      at   builderfile.ts:4:11
           "bake": task({ imputs: ["flour"], run: "true" }),
                   ^
      fix  Use "inputs".
    "
  `);
});
