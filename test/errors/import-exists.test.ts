import { expect } from "vitest";
import { project, withTasks } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

testWith("make")("IMPORT_EXISTS: an import never replaces a builderfile, unless it is told to", async () => {
  const before = withTasks({ bake: `task({ run: "true" })` });
  const p = await project({ "builderfile.ts": before, Makefile: "all: ; @echo hello\n" });

  const result = await p.bt("--import-make");
  const kept = p.read("builderfile.ts");
  const forced = await p.bt("--import-make", "--force");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is a "builderfile.ts" already
      fix  Move it away, or add \`--force\` to replace it.
    "
  `);
  expect(kept).toBe(before);
  expect(forced.exitCode).toBe(0);
  expect(p.read("builderfile.ts")).toContain("echo hello");
});
