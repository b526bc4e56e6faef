import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project, type Project } from "../support/project.ts";

/** A task whose key holds a secret. */
async function bakery(): Promise<Project> {
  return await project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
const bake = task({
  params: { recipe: param.secret({ inKey: true, required: true }) },
  inputs: [],
  outputs: ["loaf"],
  run: async ({ outputs, $ }) => { await $\`echo baked >> log; touch \${outputs}\`; },
});
export default defineBuilder({ tasks: { bake }, secretsKey: "BAKERY_KEY" });
`,
  });
}

test("a secret in a key: the same one is up to date, another one is not, and neither is another digest key", async () => {
  const p = await bakery();
  const bake = async (RECIPE: string, BAKERY_KEY: string): Promise<string> => {
    await p.btWith({ env: { RECIPE, BAKERY_KEY } }, "bake");
    return p.read("log").replaceAll("baked\n", "|");
  };

  expect(await bake("wheat-and-rye", "flour-mill")).toBe("|");
  expect(await bake("wheat-and-rye", "flour-mill")).toBe("|");
  expect(await bake("wheat-and-oat", "flour-mill")).toBe("||");
  expect(await bake("wheat-and-oat", "water-mill")).toBe("|||");
});

test("a secret in a key is on the disk as an HMAC only", async () => {
  const p = await bakery();
  const env = { RECIPE: "wheat-and-rye", BAKERY_KEY: "flour-mill" };

  await p.btWith({ env }, "bake");
  await p.btWith({ env }, "bake");
  const why = await p.btWith({ env: { ...env, RECIPE: "wheat-and-oat" } }, "--why", "bake");

  const digest = createHash("sha256").update(env.RECIPE).digest("hex");
  const kept = fs
    .readdirSync(path.join(p.root, ".bt"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => fs.readFileSync(path.join(parentPath, name), "latin1"));
  expect(kept.filter((text) => text.includes("secret/recipe"))).not.toEqual([]);
  expect(kept.filter((text) => [env.RECIPE, env.BAKERY_KEY, digest].some((word) => text.includes(word)))).toEqual([]);
  expect(why.stdout).toMatchInlineSnapshot(`
    "bake would run, because
      secret "recipe" changed
    "
  `);
});
