import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("PLUGIN_TWICE: one name stands for two plugins", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, definePlugin, task } from "builderfile";
const oven = () => definePlugin({ name: "oven", tasks: {} });
export default defineBuilder({ plugins: [oven(), oven()], tasks: { bake: task({ run: "true" }) } });
`,
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Plugin "oven" is in the builderfile twice
      at   plugin "oven"
      fix  Leave one of them out, or give one another \`name\`.
    "
  `);
});
