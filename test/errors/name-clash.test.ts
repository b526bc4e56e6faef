import { expect, test } from "vitest";
import { project } from "../support/project.ts";

const oven = `import { defineBuilder, definePlugin, task } from "builderfile";
const plugin = (name: string) => definePlugin({ name, tasks: { bake: task({ run: "true" }) } });
`;

test("NAME_CLASH: two plugins contribute a task of one name", async () => {
  const p = await project({
    "builderfile.ts": `${oven}export default defineBuilder({ plugins: [plugin("oven"), plugin("stove")] });\n`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The name "bake" is taken twice: by a task of plugin "oven" and by a task of plugin "stove"
      at   builderfile.ts:2:70
           gin = (name: string) => definePlugin({ name, tasks: { bake: task({ run: "true" }) } });
                                                                       ^
      fix  Rename one of them, or give the plugin another prefix.
    "
  `);
});

test("NAME_CLASH: a plugin takes a name of the builderfile, and an alias is taken as well", async () => {
  const p = await project({
    "builderfile.ts": `${oven}export default defineBuilder({
  plugins: [plugin("oven")],
  tasks: {
    bake: task({ run: "true" }),
    mix: task({ aliases: ["m"], run: "true" }),
    melt: task({ aliases: ["m", "mix"], run: "true" }),
  },
});
`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The name "bake" is taken twice: by a task of plugin "oven" and by a task of the builderfile
      at   builderfile.ts:6:11
           bake: task({ run: "true" }),
                 ^
      fix  Rename one of them, or give the plugin another prefix.
    bt: The name "m" is taken twice: by an alias of "mix" of the builderfile and by an alias of "melt" of the builderfile
      at   builderfile.ts:8:11
           melt: task({ aliases: ["m", "mix"], run: "true" }),
                 ^
      fix  Rename one of them.
    bt: The name "mix" is taken twice: by a task of the builderfile and by an alias of "melt" of the builderfile
      at   builderfile.ts:8:11
           melt: task({ aliases: ["m", "mix"], run: "true" }),
                 ^
      fix  Rename one of them.
    "
  `);
});
