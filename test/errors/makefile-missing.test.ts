import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("MAKEFILE_MISSING: there is nothing to import", async () => {
  const p = await project({});

  const result = await p.bt("--import-make");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no GNUmakefile, makefile, Makefile here
      fix  Name the Makefile: \`bt --import-make FILE\`.
    "
  `);
});
