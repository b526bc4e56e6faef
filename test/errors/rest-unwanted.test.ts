import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({ bake: `task({ run: "true" })`, eat: `task({ rest: true, run: "true" })` });

test("REST_UNWANTED: the task takes no words after --", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--", "slowly");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Words after \`--\` go to one task that takes them, but this run has "bake", which takes none
      fix  Leave them out, or say \`rest: true\` in the task and run it alone.
    "
  `);
});

test("REST_UNWANTED: with two targets nobody knows whose the words are", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "eat", "--", "slowly");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Words after \`--\` go to one task that takes them, but this run has the targets "bake" and "eat"
      fix  Leave them out, or say \`rest: true\` in the task and run it alone.
    "
  `);
});
