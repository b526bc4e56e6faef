import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("BUILDERFILE_THREW: the place is where the builderfile threw", async () => {
  const p = await project({
    "builderfile.ts": `const flour = JSON.parse("null");\nflour.sift();\nexport default {};\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile failed while it was read: Cannot read properties of null (reading 'sift')
      at   builderfile.ts:2:7
           flour.sift();
                 ^
      fix  Correct what it does outside of tasks.
    "
  `);
});

test("BUILDERFILE_THREW: a module that the builderfile imports threw", async () => {
  const p = await project({
    "builderfile.ts": `import { sift } from "./flour.ts";\nsift();\nexport default {};\n`,
    "flour.ts": `export function sift(): void {\n  throw new RangeError("No flour left");\n}\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile failed while it was read: No flour left
      at   flour.ts:2:9
           throw new RangeError("No flour left");
                 ^
      fix  Correct what it does outside of tasks.
    "
  `);
});

test("BUILDERFILE_THREW: the exported promise is rejected", async () => {
  const p = await project({ "builderfile.ts": `export default Promise.reject(new Error("No flour left"));\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile failed while it was read: No flour left
      at   builderfile.ts:1:31
           export default Promise.reject(new Error("No flour left"));
                                         ^
      fix  Correct what it does outside of tasks.
    "
  `);
});

test("BUILDERFILE_THREW: the exported promise is rejected with a text", async () => {
  const p = await project({ "builderfile.ts": `export default Promise.reject("No flour left");\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile failed while it was read: No flour left
      at   builderfile.ts
      fix  Correct what it does outside of tasks.
    "
  `);
});
