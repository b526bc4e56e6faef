import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("TASK_UNKNOWN: every misspelt target names the closest task", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ test: `task({ run: "true" })`, bake: `task({ aliases: ["b2"], run: "true" })` }),
  });

  const result = await p.bt("tset", "bake", "cook");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no task "tset"
      fix  Use "test", or add a task called "tset".
    bt: There is no task "cook"
      fix  Run \`bt\` to see every task, or add a task called "cook".
    "
  `);
});

test("TASK_UNKNOWN: needs that do not exist are shown together, in the order of the file", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      bake: `task({ needs: ["mxi"], run: "true" })`,
      mix: `task({ needs: ["shop", after("weihg")], run: "true" })`,
      weigh: `task({ finally: ["wash"], run: "true" })`,
    }),
  });

  const result = await p.bt("weigh", "mix", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Task "bake" needs "mxi", which does not exist
      at   builderfile.ts:4:11
           "bake": task({ needs: ["mxi"], run: "true" }),
                   ^
      fix  Use "mix", or add a task called "mxi".
    bt: Task "mix" needs "shop", which does not exist
      at   builderfile.ts:5:10
           "mix": task({ needs: ["shop", after("weihg")], run: "true" }),
                  ^
      fix  Correct the name, or add a task called "shop".
    bt: Task "mix" needs "weihg", which does not exist
      at   builderfile.ts:5:10
           "mix": task({ needs: ["shop", after("weihg")], run: "true" }),
                  ^
      fix  Use "weigh", or add a task called "weihg".
    bt: Task "weigh" needs "wash", which does not exist
      at   builderfile.ts:6:12
           "weigh": task({ finally: ["wash"], run: "true" }),
                    ^
      fix  Correct the name, or add a task called "wash".
    "
  `);
});

test("TASK_UNKNOWN: the default task does not exist", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";\nexport default defineBuilder({ default: "bkae", tasks: { bake: task({ run: "true" }) } });\n`,
  });

  const result = await p.bt();

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The default task "bkae" does not exist
      fix  Use "bake".
    "
  `);
});
