import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("INPUT_MISSING: every input that neither exists nor is made by a task, before anything runs", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      mill: `task({ inputs: ["wheat"], outputs: ["flour"], run: "touch milled" })`,
      bake: `task({ inputs: ["flour", "eggs", "salt", "*.spice"], run: "true" })`,
    }),
    salt: "",
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "mill" reads "wheat", which does not exist and which no task makes
      at   builderfile.ts:4:11
           "mill": task({ inputs: ["wheat"], outputs: ["flour"], run: "touch milled" }),
                   ^
      fix  Create the file, correct the path, or declare it among the \`outputs\` of the task that makes it.
    bt: Task "bake" reads "eggs", which does not exist and which no task makes
      at   builderfile.ts:5:11
           "bake": task({ inputs: ["flour", "eggs", "salt", "*.spice"], run: "true" }),
                   ^
      fix  Create the file, correct the path, or declare it among the \`outputs\` of the task that makes it.
    "
  `);
  expect(p.exists("milled")).toBe(false);
});

test("INPUT_MISSING: what all cells of a task miss is told once", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ matrix: { kind: ["rye", "wheat", "oat"] }, inputs: ["flour"], run: "true" })`,
    }),
  });

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(2);
  expect(result.stderr.match(/which does not exist/g)).toHaveLength(1);
  expect(result.stderr).toContain('Task "bake" reads "flour"');
});
