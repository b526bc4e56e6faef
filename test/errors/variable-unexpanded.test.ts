import { expect } from "vitest";
import { makeProject } from "../support/make.ts";
import { withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

testWith("make")("VARIABLE_UNEXPANDED: make keeps the value of a variable to itself", async () => {
  const builderfile = withTasks({
    bake: `task({ params: { flour: param.string() }, run: ({ log, params }) => log.info(params.flour ?? "") })`,
  });
  const p = await makeProject(builderfile, "unexport FLOUR\nby-hand: ; +@$(BT) --make bake");

  const result = await p.make("by-hand", "FLOUR=$(GRAIN)meal");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The make variable FLOUR needs to be expanded, which only make can do
      fix  Export it in the Makefile: \`export FLOUR\`.
    make: *** [Makefile:2: by-hand] Error 2
    "
  `);
});
