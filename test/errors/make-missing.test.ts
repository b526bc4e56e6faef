import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("MAKE_MISSING: an import asks make, which is not there", async () => {
  const p = await project({ Makefile: "all: ; @echo hello\n" });

  const result = await p.btWith({ env: { PATH: p.root } }, "--import-make");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no make to ask about the Makefile: spawnSync make ENOENT
      fix  Install GNU make.
    "
  `);
});
