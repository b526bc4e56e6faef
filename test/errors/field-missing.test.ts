import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("FIELD_MISSING: an image without platforms names them", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { loaf: `image({ context: "loaf" })` },
      `import { image } from "builderfile/plugins/images";`,
    ),
  });

  const result = await p.bt("loaf");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The option "platforms" of image() is missing
      at   builderfile.ts:4:11
           "loaf": image({ context: "loaf" }),
                   ^
      fix  Give "platforms" a value.
    "
  `);
});
