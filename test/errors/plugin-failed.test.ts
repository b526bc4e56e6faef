import { expect, test } from "vitest";
import { project } from "../support/project.ts";
import { steady } from "../support/steady.ts";

const withTap = (apply: string): string => `import { defineBuilder, definePlugin, task } from "builderfile";
const oven = definePlugin({ name: "oven", tasks: {}, apply: ${apply} });
export default defineBuilder({ plugins: [oven], tasks: { bake: task({ run: "touch baked" }) } });
`;

test("PLUGIN_FAILED: a plugin throws while it is applied", async () => {
  const p = await project({ "builderfile.ts": withTap(`() => { throw new Error("No gas"); }`) });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Plugin "oven" failed while it was applied: No gas
      at   plugin "oven"
      fix  Correct the plugin, or leave it out of \`plugins\`.
    "
  `);
});

test("PLUGIN_FAILED: a tap of a hook before the run throws, and nothing runs", async () => {
  const p = await project({
    "builderfile.ts": withTap(`(hooks) => hooks.graph.tap(() => { throw new Error("No gas"); })`),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Plugin "oven" failed in its tap of hook "graph": No gas
      at   plugin "oven"
      fix  Correct the plugin, or leave it out of \`plugins\`.
    "
  `);
  expect(p.exists("baked")).toBe(false);
});

test("PLUGIN_FAILED: a tap around a task fails that task", async () => {
  const p = await project({
    "builderfile.ts": withTap(`(hooks) => hooks.beforeTask.tap(async () => { throw new Error("No gas"); })`),
  });

  const result = await p.bt("bake", "-s");

  expect(result).toMatchObject({ exitCode: 1, stderr: "" });
  expect(steady(result.stdout, p.root)).toMatchInlineSnapshot(`
    "bt: Plugin "oven" failed in its tap of hook "beforeTask": No gas
      task bake
      at   plugin "oven"
      fix  Correct the plugin, or leave it out of \`plugins\`.
    "
  `);
  expect(p.exists("baked")).toBe(false);
});

test("PLUGIN_FAILED: the builderfile's own apply throws", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";\nexport default defineBuilder({ apply: () => { throw new Error("No gas"); } });\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The builderfile failed while it was applied: No gas
      at   \`apply\` of the builderfile
      fix  Correct its \`apply\`.
    "
  `);
});
