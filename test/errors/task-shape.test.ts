import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const specs = {
  'inputs: "flour"': '"inputs" of a task is a string, but takes a list of strings or a function',
  "inputs: [3]": '"inputs" of a task is a list with a number in it, but takes a list of strings or a function',
  "needs: [undefined]":
    '"needs" of a task is a list with undefined in it, but takes a list of tasks or a record of tasks',
  'matrix: { tin: "round" }': '"matrix" of a task is a record, but takes a record of lists of strings',
  'params: { heat: "hot" }': '"params" of a task is a record, but takes a record of params',
  'timeoutMs: "1 s"': '"timeoutMs" of a task is a string, but takes a number',
  'memory: "4GB"': '"memory" of a task is a string, but takes a size such as 4GiB',
  'disk: "10G"': '"disk" of a task is a string, but takes a size such as 4GiB',
  "run: null": '"run" of a task is null, but takes a command line or a list of words or a function',
  "run: []": '"run" of a task is an empty list, but takes a command line or a list of words or a function',
  'run: " "': '"run" of a task is an empty string, but takes a command line or a list of words or a function',
};

test.each(Object.keys(specs) as (keyof typeof specs)[])("TASK_SHAPE: task({ %s })", async (spec) => {
  const p = await project({ "builderfile.ts": withTasks({ bake: `task({ ${spec} })` }) });

  const result = await p.bt("bake");

  const source = `"bake": task({ ${spec} }),`;
  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(
    `bt: ${specs[spec]}\n  at   builderfile.ts:4:11\n       ${source}\n               ^\n  fix  Give "${/^\w+/.exec(spec)?.[0]}" such a value.\n`,
  );
});

test("TASK_SHAPE: task() describes nothing", async () => {
  const p = await project({ "builderfile.ts": withTasks({ bake: "task()" }) });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A task is described by undefined, but takes a record
      at   builderfile.ts:4:11
           "bake": task(),
                   ^
      fix  Write \`task({ … })\`.
    "
  `);
});
