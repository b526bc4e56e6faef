import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({ bake: `task({ tags: ["oven"], run: "true" })` });

test("SELECTION_EMPTY: a glob that matches nothing", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("cake:*");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task matches "cake:*"
      fix  Run \`bt\` to see every task.
    "
  `);
});

test("SELECTION_EMPTY: a tag that no task has", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("--tag", "sweet");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task has the tag "sweet"
      fix  Run \`bt\` to see every task.
    "
  `);
});

test("SELECTION_EMPTY: everything that was asked for is left out again", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--except", "b*");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task is left without "b*"
      fix  Name more tasks, or leave out \`--except\`.
    "
  `);
});

test("SELECTION_EMPTY: a question about no task at all", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("--why");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task is named, and the builderfile has no default one
      fix  Name a task. Run \`bt\` to see every task.
    "
  `);
});
