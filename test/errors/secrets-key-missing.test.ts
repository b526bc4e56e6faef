import { expect, test } from "vitest";
import { project } from "../support/project.ts";

const builderfile = (more: string): string => `import { defineBuilder, param, task } from "builderfile";
const bake = task({ params: { token: param.secret({ inKey: true }) }, inputs: [], run: "touch baked" });
export default defineBuilder({ tasks: { bake }${more} });
`;

test("SECRETS_KEY_MISSING: a secret cannot be in a key where no builder names the text to digest it with", async () => {
  const p = await project({ "builderfile.ts": builderfile("") });

  const result = await p.bt("bake", "TOKEN=wheat-and-rye");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Secret TOKEN of task "bake" cannot be in its key without a key to digest it with
      fix  Name a variable of the environment: \`defineBuilder({ secretsKey: "NAME", … })\`, and set it to a random text.
    "
  `);
  expect(p.exists("baked")).toBe(false);
});

test("SECRETS_KEY_MISSING: the variable with that text is not set", async () => {
  const p = await project({ "builderfile.ts": builderfile(', secretsKey: "BAKERY_KEY"') });

  const result = await p.bt("bake", "TOKEN=wheat-and-rye");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: Secret TOKEN of task "bake" cannot be in its key without a key to digest it with
      fix  Set BAKERY_KEY in the environment to the project's random text, as \`secretsKey\` says.
    "
  `);
});
