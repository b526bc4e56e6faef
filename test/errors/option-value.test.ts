import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({ bake: `task({ params: { heat: param.integer() }, run: "true" })` });

test("OPTION_VALUE: an option of bt is the last word", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "-C");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Option "-C" needs a value
      fix  Write \`-C VALUE\`.
    "
  `);
});

test("OPTION_VALUE: another option stands where the value of a param should be", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--heat", "-k");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Option "--heat" needs a value
      fix  Write \`--heat VALUE\`.
    "
  `);
});
