import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("TEMPLATE_UNKNOWN: a misspelt template names the nearest one", async () => {
  const p = await project({});

  const result = await p.bt("--init", "kiwi-dcie");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no template "kiwi-dcie"
      fix  Use "kiwi-dice".
    "
  `);
});
