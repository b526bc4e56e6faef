import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({ bake: `task({ params: { heat: param.integer() }, run: "true" })` });

test("OPTION_UNKNOWN: a misspelt option of bt names the closest one", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--kep-going");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no option "--kep-going"
      fix  Use "--keep-going"; \`bt --help\` lists every option.
    "
  `);
});

test("OPTION_UNKNOWN: a misspelt option of a task names the closest param", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--haet", "200");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no option "--haet"
      fix  Use "--heat"; \`bt --help\` lists every option.
    "
  `);
});

test("OPTION_UNKNOWN: a letter that means nothing gets no guess", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("-x", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no option "-x"
      fix  Run \`bt --help\` to see every option.
    "
  `);
});
