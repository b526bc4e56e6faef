import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("BUILDER_SHAPE: the builderfile has no default export", async () => {
  const p = await project({ "builderfile.ts": `export const bake = 1;\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile has no default export
      at   builderfile.ts
      fix  End it with \`export default defineBuilder({ … })\`.
    "
  `);
});

test("BUILDER_SHAPE: an empty builderfile is found, and has no default export", async () => {
  const p = await project({ "builderfile.ts": "" });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile has no default export
      at   builderfile.ts
      fix  End it with \`export default defineBuilder({ … })\`.
    "
  `);
});

test("BUILDER_SHAPE: the default export is something else", async () => {
  const p = await project({ "builderfile.ts": `export default () => ({});\n` });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile exports a function, but takes what \`defineBuilder({ … })\` returns
      at   builderfile.ts
      fix  End it with \`export default defineBuilder({ … })\`.
    "
  `);
});

const fields = {
  "plugins: {}": "`plugins` of the builderfile is a record, but takes a list of plugins",
  "plugins: [() => 1]": "`plugins[0]` of the builderfile is a function, but takes a plugin with `name` and `tasks`",
  "plugins: [{ ovens: { hot: { at: [1] } } }]":
    "`plugins[0]` of the builderfile is a record with a record in it, but takes a plugin with `name` and `tasks`",
  "plugins: [{ name: 'oven', tasks: { bake: 1 } }]":
    '"bake" in `tasks` of plugin "oven" of the builderfile is a number, but takes a task made with `task({ … })`',
  "tasks: [1]": "`tasks` of the builderfile is a list with a number in it, but takes a record of tasks",
  "tasks: { bake: null }": '"bake" in `tasks` of the builderfile is null, but takes a task made with `task({ … })`',
  "tasks: { bake: { run: 'true' } }":
    '"bake" in `tasks` of the builderfile is a record, but takes a task made with `task({ … })`',
  "default: 3": "`default` of the builderfile is a number, but takes a task or its name",
  "pools: { oven: 0 }":
    "`pools` of the builderfile is a record with a number in it, but takes a record of whole numbers from 1",
  "params: 'hot'": "`params` of the builderfile is a string, but takes a record of values by variable name",
  "apply: true": "`apply` of the builderfile is a boolean, but takes a function",
};

test.each(Object.keys(fields) as (keyof typeof fields)[])("BUILDER_SHAPE: defineBuilder({ %s })", async (text) => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";\nexport default defineBuilder({ ${text} });\n`,
  });

  const result = await p.bt("bake");

  const field = fields[text].slice(0, fields[text].indexOf(" of the builderfile"));
  const source = `export default defineBuilder({ ${text} });`;
  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(
    `bt: ${fields[text]}\n  at   builderfile.ts:2:16\n       ${source}\n                      ^\n  fix  Give ${field} such a value.\n`,
  );
});
