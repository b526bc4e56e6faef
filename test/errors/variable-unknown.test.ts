import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({
  bake: `task({ params: { heat: param.integer(), weight: param.number() }, run: "true" })`,
  eat: `task({ run: "true" })`,
});

test("VARIABLE_UNKNOWN: a misspelt variable names the closest one, one without a near name names all", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "HAET=200", "COLOUR=brown");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task of this run has a param "HAET"
      fix  Use HEAT=….
    bt: No task of this run has a param "COLOUR"
      fix  Use one of HEAT, WEIGHT.
    "
  `);
});

test("VARIABLE_UNKNOWN: the tasks of the run have no params", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("eat", "HEAT=200");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No task of this run has a param "HEAT"
      fix  Leave it out: there are no params.
    "
  `);
});

test("VARIABLE_UNKNOWN: a value for one task goes to a task outside of the run, a misspelt task, and a misspelt param", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "eat.HEAT=200", "bkae.HEAT=200", "bake.HAET=200");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: eat.HEAT is for a task "eat", which is not part of this run
      fix  Leave it out, or run "eat" as well.
    bt: bkae.HEAT is for a task "bkae", which is not part of this run
      fix  Use bake.HEAT=….
    bt: Task "bake" does not have a param "HAET"
      fix  Use bake.HEAT=….
    "
  `);
});
