import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test.each([
  ["cake", "true"],
  ["tin/", "rmdir tin"],
  ["tin/", "rmdir tin; touch tin"],
  ["tin/*.cake", "touch tin/pie"],
])("OUTPUT_MISSING: %s after `%s`", async (output, run) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ outputs: ["${output}"], run: "${run}" })` }) });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toBe(
    `bt: Task "bake" succeeded without making its output "${output}"\n  at   task "bake"\n  fix  Make the task write it, or correct \`outputs\`.\n`,
  );
});
