import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test.each([
  [["--run", "1"], "--run", "`--why TASK` or `--logs TASK` or `--report FILE`"],
  [["bake", "--vs", "1"], "--vs", "`--why TASK`"],
])("OPTION_ALONE: %j names a past run for nothing", async (argv, option, takers) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "touch baked" })` }) });

  const result = await p.bt(...argv);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(`bt: Option "${option}" names a past run, and nothing here asks for one
  fix  Write it after ${takers}; \`bt --runs\` lists past runs.
`);
  expect(p.exists("baked")).toBe(false);
});
