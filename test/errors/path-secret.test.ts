import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test.for(["inputs", "outputs"])("PATH_SECRET: %s are made of a secret, and nothing has run", async (field) => {
  const bake = `task({ params: { token: param.secret() }, ${field}: ({ params }) => ["loaf/" + params.token], run: "true" })`;
  const p = await project({ "builderfile.ts": withTasks({ bake, oven: `task({ run: "touch heat" })` }) });

  const result = await p.btWith({ env: { TOKEN: "swordfish" } }, "oven", "bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain('bt: A path of task "bake" is made of its secret "token"\n  at   builderfile.ts:4:');
  expect(result.stderr).toMatch(/\n {2}fix {2}Make it of something else: paths are shown, and stand in keys\.\n$/);
  expect(p.exists("heat")).toBe(false);
});
