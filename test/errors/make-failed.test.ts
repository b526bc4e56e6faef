import { expect } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

testWith("make")("MAKE_FAILED: a recipe of a Makefile fails, and its line is named", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { burn: `make.target("burn", { dir: "oven" })` },
      `import { make } from "builderfile";`,
    ),
    "oven/Makefile": "all:\n\nburn:\n\t@echo smoke\n\t@exit 3\n",
  });

  const result = await p.bt("-j1", "burn");

  expect(result.exitCode).toBe(1);
  expect(result.stdout.replace(/bt: 1 failed.*|✖.*|log .*\n/g, "")).toMatchInlineSnapshot(`
    "▸ burn (it declares no inputs)
    $ make -C oven --no-print-directory burn
    smoke
    make: *** [Makefile:5: burn] Error 3

    bt: make could not make "burn" for task "burn": Error 3
      at   oven/Makefile:5
        fix  Correct the recipe, or what its output names, then run bt again.

    "
  `);
});
