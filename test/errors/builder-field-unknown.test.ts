import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("BUILDER_FIELD_UNKNOWN: a misspelt field of defineBuilder names the closest one", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";\nexport default defineBuilder({ taks: {} });\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A builderfile has no "taks"
      at   builderfile.ts:2:16
           export default defineBuilder({ taks: {} });
                          ^
      fix  Use "tasks".
    "
  `);
});

test("BUILDER_FIELD_UNKNOWN: without defineBuilder only the file is known", async () => {
  const p = await project({ "builderfile.ts": `export default { kitchen: {} };\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: A builderfile has no "kitchen"
      at   builderfile.ts
      fix  Use one of "plugins", "tasks", "default", "pools", "secretsKey", "params", "cache" and "apply".
    "
  `);
});
