import { expect, test } from "vitest";
import { project } from "../support/project.ts";
import { steady } from "../support/steady.ts";

test("BUILDERFILE_MISSING: no folder up to the root has one", async () => {
  const p = await project({ "readme.txt": "" });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(steady(result.stderr, p.root)).toMatchInlineSnapshot(`
    "bt: There is no builderfile in "ROOT" or above
      fix  Write one with \`bt --init\`, or name one with \`-f FILE\` or its folder with \`-C DIR\`.
    "
  `);
});

test("BUILDERFILE_MISSING: the file after -f is not there", async () => {
  const p = await project({});

  const result = await p.bt("-f", "oven.ts", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no file "oven.ts"
      fix  Correct the path after \`-f\`.
    "
  `);
});

test("BUILDERFILE_MISSING: package.json names a file that is not there", async () => {
  const p = await project({ "package.json": `{ "builderfile": "tools/oven.ts" }` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no file "tools/oven.ts"
      at   package.json
      fix  Correct the path after "builderfile".
    "
  `);
});
