import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test.each([`"oven-9000 --hot"`, `["oven-9000", "--hot"]`, `({ exec }) => exec("oven-9000", ["--hot"])`])(
  "COMMAND_MISSING: no such program: %s",
  async (run) => {
    const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: ${run} })` }) });

    const result = await p.bt("bake", "-s");

    expect(result).toMatchObject({ exitCode: 1, stderr: "" });
    expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: There is no program "oven-9000" on PATH
      at   task "bake"
      fix  Install "oven-9000", or correct its name in the task.
    "
  `);
  },
);

test("COMMAND_MISSING: no such folder to run it in", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ cwd: "kitchen", run: "true" })` }) });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: There is no folder "kitchen" to run \`true\` in
      at   task "bake"
      fix  Create it first, or correct \`cwd\`.
    "
  `);
});

test("COMMAND_MISSING: a file that may not be executed", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "./oven.sh" })` }), "oven.sh": "" });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: "./oven.sh" may not be executed
      at   task "bake"
      fix  Run \`chmod +x ./oven.sh\`, or name a program.
    "
  `);
});

test("COMMAND_MISSING: a path that leads nowhere", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: "./oven.sh" })` }) });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: There is no program "./oven.sh"
      at   task "bake"
      fix  Make it first, or correct its path in the task.
    "
  `);
});
