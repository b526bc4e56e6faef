import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

const builderfile = withTasks({
  bake: `task({ params: { tag: param.string({ default: "latest" }) }, tags: ["quick"], run: ({ params, log }) => log.info(params.tag) })`,
});

test("OPTION_TAKEN: a param has the name of an option of bt", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const result = await p.bt("bake", "--tag", "v1");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Option "--tag" is bt's own, and task "bake" has a param of that name
      fix  Write TAG=… for the param; leave "--tag" out.
    "
  `);
});

test("a param with the name of an option of bt is given as NAME=value, and its help says so", async () => {
  const p = await project({ "builderfile.ts": builderfile });

  const help = await p.bt("bake", "--help");
  const result = await p.bt("bake", "TAG=v1");
  const byTag = await p.bt("--tag", "quick");

  expect(help.stdout).toContain("Params\n  TAG=VALUE\n");
  expect(result.stdout).toContain("\nv1\n");
  expect(byTag.stdout).toContain("\nlatest\n");
});
