import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("PACKAGE_MISSING: the place is the import", async () => {
  const p = await project({
    "builderfile.ts": `import * as path from "node:path";\nimport { heat } from "@kitchen/oven/heat";\nexport default { tasks: heat(path) };\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile imports "@kitchen/oven/heat", which is not installed
      at   builderfile.ts:2:22
           import { heat } from "@kitchen/oven/heat";
                                ^
      fix  Run \`npm install @kitchen/oven\`, or correct the import.
    "
  `);
});

test("PACKAGE_MISSING: bt has no such plugin", async () => {
  const p = await project({
    "builderfile.ts": `import { oven } from "builderfile/plugins/oven";\nexport default { tasks: oven };\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: bt has no plugin "oven"
      at   builderfile.ts:1:22
           import { oven } from "builderfile/plugins/oven";
                                ^
      fix  Correct the name in the import.
    "
  `);
});
