import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { steady } from "../support/steady.ts";

const commands = {
  "a command line": `"echo burnt; exit 3"`,
  "an argument list": `["sh", "-c", "echo burnt; exit 3"]`,
  exec: `({ exec }) => exec("sh", ["-c", "echo burnt; exit 3"])`,
  $: "({ $ }) => $`echo burnt; exit 3`",
};

test.each(Object.keys(commands) as (keyof typeof commands)[])("COMMAND_FAILED: %s", async (kind) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ run: ${commands[kind]} })` }) });

  const result = await p.bt("bake", "-s");

  const shown = kind === "an argument list" || kind === "exec" ? "sh -c 'echo burnt; exit 3'" : "echo burnt; exit 3";
  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toBe(
    `bt: \`${shown}\` exited with 3\n  at   task "bake"\n       burnt\n  log  .bt/runs/RUN/bake.log\n  fix  Correct what its output names, then run bt again.\n`,
  );
});

test("COMMAND_FAILED: a command ended by a signal, in another folder", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ cwd: "kitchen", run: "kill -9 $$" })` }),
    "kitchen/readme.txt": "",
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: \`kill -9 $$\` in "kitchen" was ended by SIGKILL
      at   task "bake"
      fix  Correct the command, then run bt again.
    "
  `);
});
