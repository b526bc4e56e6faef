import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("BUILDERFILE_SYNTAX: the place is the line and column, with the line itself", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";\nexport default defineBuilder({ tasks: { bake: }\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile cannot be compiled: Unexpected "}"
      at   builderfile.ts:2:47
           export default defineBuilder({ tasks: { bake: }
                                                         ^
      fix  Correct this line.
    "
  `);
});

test("BUILDERFILE_SYNTAX: an imported file that is not there", async () => {
  const p = await project({ "builderfile.ts": `import "./oven.ts";\nexport default {};\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile cannot be compiled: Could not resolve "./oven.ts"
      at   builderfile.ts:1:8
           import "./oven.ts";
                  ^
      fix  Correct the path of the import.
    "
  `);
});

test("BUILDERFILE_SYNTAX: mistakes of all imported files are shown together", async () => {
  const p = await project({
    "builderfile.ts": `import "./oven.ts";\nimport "./bowl.ts";\nexport default {};\n`,
    "oven.ts": "const heat;\n",
    "bowl.ts": "let flour = ;\n",
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile cannot be compiled: Unexpected ";"
      at   bowl.ts:1:13
           let flour = ;
                       ^
      fix  Correct this line.
    bt: The builderfile cannot be compiled: The constant "heat" must be initialized
      at   oven.ts:1:7
           const heat;
                 ^
      fix  Correct this line.
    "
  `);
});
