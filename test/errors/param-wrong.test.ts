import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const bake = (params: string): string => withTasks({ bake: `task({ params: { ${params} }, run: "true" })` });

test("PARAM_WRONG: all wrong values are named together, the nearest allowed one with them", async () => {
  const p = await project({
    "builderfile.ts": bake(`heat: param.integer(), cake: param.enum(["tart", "pie"]), soft: param.flag()`),
  });

  const result = await p.bt("bake", "HEAT=hot", "CAKE=trat", "--soft=maybe");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: HEAT of task "bake" is "hot", but takes a whole number
      fix  Correct HEAT; \`bt bake --help\` describes it.
    bt: CAKE of task "bake" is "trat", but takes one of tart, pie
      fix  Use CAKE=tart.
    bt: SOFT of task "bake" is "maybe", but takes yes or no (also 1, 0, true, false, on, off)
      fix  Correct SOFT; \`bt bake --help\` describes it.
    "
  `);
});

test("PARAM_WRONG: one wrong word in a list is the one that is corrected", async () => {
  const p = await project({ "builderfile.ts": bake(`tins: param.listOf(["round", "square"]), arch: param.arch()`) });

  const result = await p.bt("bake", "TINS=round,sqare", "ARCH=amd46");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: TINS of task "bake" is "round,sqare", but takes words from round, square
      fix  Write "square" for "sqare".
    bt: ARCH of task "bake" is "amd46", but takes one of amd64, arm64, arm/v7, arm/v6, ppc64le, riscv64, s390x, 386
      fix  Use ARCH=amd64.
    "
  `);
});

test("PARAM_WRONG: a value from the environment or the builderfile says so", async () => {
  const p = await project({
    "builderfile.ts": `
import { defineBuilder, param, task } from "builderfile";
const bake = task({ params: { heat: param.integer(), weight: param.number() }, run: "true" });
export default defineBuilder({ params: { WEIGHT: "heavy" }, tasks: { bake } });
`,
  });

  const result = await p.btWith({ env: { HEAT: "hot" } }, "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: WEIGHT of task "bake" is "heavy", but takes a number
      at   \`params\` of the builderfile
      fix  Correct WEIGHT; \`bt bake --help\` describes it.
    bt: HEAT of task "bake" is "hot", but takes a whole number
      at   the environment
      fix  Correct HEAT; \`bt bake --help\` describes it.
    "
  `);
});

test("PARAM_WRONG: a schema says itself what it refuses, also by throwing", async () => {
  const schema = (validate: string): string =>
    `param.schema({ "~standard": { version: 1, vendor: "kitchen", validate: ${validate} } })`;
  const p = await project({
    "builderfile.ts": bake(
      `heat: ${schema(`() => ({ issues: [{ message: "Too hot" }, { message: "Too long" }] })`)}, cake: ${schema(`() => { throw new Error("No recipe"); }`)}`,
    ),
  });

  const result = await p.bt("bake", "HEAT=900", "CAKE=mud");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: HEAT of task "bake" is "900", which its schema refuses: Too hot; Too long
      fix  Correct HEAT; \`bt bake --help\` describes it.
    bt: CAKE of task "bake" is "mud", which its schema refuses: No recipe
      fix  Correct CAKE; \`bt bake --help\` describes it.
    "
  `);
});
