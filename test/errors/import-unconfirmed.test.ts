import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("IMPORT_UNCONFIRMED: reading the Makefile would run a program, and nobody is there to agree", async () => {
  const p = await project({ Makefile: "X := $(shell touch ran)\nall: ; @echo $(X)\n" });

  const result = await p.bt("--import-make");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain("1: X := $(shell touch ran)");
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Reading this Makefile runs programs, and nobody has agreed to that
           1: X := $(shell touch ran)
      fix  Add \`--yes\` to run them in a copy of the folder; \`--no-exec\` runs none of \`$(shell …)\`.
    "
  `);
  expect(p.exists("builderfile.ts")).toBe(false);
});
