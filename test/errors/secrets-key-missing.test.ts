import { expect, test } from "vitest";
import { project } from "../support/project.ts";

const builderfile = (more: string): string => `import { defineBuilder, param, task } from "builderfile";
const bake = task({ params: { token: param.secret({ inKey: true }) }, inputs: [], run: "touch baked" });
export default defineBuilder({ tasks: { bake }${more} });
`;

test.each([
  [
    "no builder names the text to digest it with",
    "",
    'Name a variable of the environment: `defineBuilder({ secretsKey: "NAME", … })`, and set it to a random text.',
  ],
  [
    "the variable with that text is not set",
    ', secretsKey: "BAKERY_KEY"',
    "Set BAKERY_KEY in the environment to the project's random text, as `secretsKey` says.",
  ],
])("SECRETS_KEY_MISSING: a secret cannot be in a key where %s", async (_, more, fix) => {
  const p = await project({ "builderfile.ts": builderfile(more) });

  const result = await p.bt("bake", "TOKEN=wheat-and-rye");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toBe(`bt: Secret TOKEN of task "bake" cannot be in its key without a key to digest it with
  fix  ${fix}
`);
  expect(p.exists("baked")).toBe(false);
});
