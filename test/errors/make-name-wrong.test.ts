import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("MAKE_NAME_WRONG: a task's name is none that make can have", async () => {
  const p = await project({ "builderfile.ts": withTasks({ "bake+sell": `task({ run: "true" })` }) });

  const result = await p.bt("--make-shim");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake+sell" cannot be a target of make: "+" is in its name
      fix  Rename it: letters, digits, \`.\`, \`_\`, \`-\`, and \`:\` before a cell.
    "
  `);
});
