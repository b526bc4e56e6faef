import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("INIT_EXISTS: files that the template would write are there", async () => {
  const p = await project({ "builderfile.js": "", "docker/builder_1.0.Dockerfile": "" });

  const result = await p.bt("--init", "image-family");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There are "builderfile.js" and "docker/builder_1.0.Dockerfile" already
      fix  Nothing was written. Move them away, or start in another folder with \`-C DIR\`.
    "
  `);
});
