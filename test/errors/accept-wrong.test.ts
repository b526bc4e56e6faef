import { expect } from "vitest";
import { project } from "../support/project.ts";
import { testWith } from "../support/tool.ts";

testWith("make")("ACCEPT_WRONG: what somebody has accepted is not guessed", async () => {
  const p = await project({ Makefile: "all: ; @echo hello\n", "accepted.json": `{ "targets": ["all"] }` });

  const result = await p.bt("--import-make", "--accept", "accepted.json");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: "accepted.json" is no file of accepted differences
      fix  Correct it, or remove it: \`bt --import-make --accept\` writes a new one.
    "
  `);
  expect(p.exists("builderfile.ts")).toBe(false);
});
