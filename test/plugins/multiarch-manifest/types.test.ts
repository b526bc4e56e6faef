/** What the compiler says of a builderfile: a forgotten platform, a task that builds no image, a misspelt handle. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project } from "../../support/project.ts";

const repository = path.join(import.meta.dirname, "../../..");
const options = "--noEmit --strict --module nodenext --target es2023 --skipLibCheck --types node --pretty false".split(
  " ",
);

const head = `import { defineBuilder, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
const arches = platforms("amd64", "s390x");
const build = image({ platforms: arches });
const text = task({ run: () => "bread" });
const oven = { name: "quay.io/bake/oven", tags: ["1"], requirePlatforms: arches };
`;

/** Messages of the compiler without their places. */
async function compile(code: string): Promise<string> {
  const p = await project({
    "builderfile.ts": `${head}${code}\nexport default defineBuilder({ tasks: { build, text } });\n`,
  });
  fs.mkdirSync(path.join(p.root, "node_modules"));
  fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
  fs.symlinkSync(path.join(repository, "node_modules/@types"), path.join(p.root, "node_modules/@types"));
  const tsc = path.join(repository, "node_modules/typescript/bin/tsc");
  return spawnSync(process.execPath, [tsc, ...options, "builderfile.ts"], { cwd: p.root, encoding: "utf8" }).stdout;
}

test("the compiler takes whole records, lists, tasks and cells, and types what was pushed", async () => {
  const messages = await compile(`const manifest = multiarchManifest({ images: {
  record: { ...oven, entries: { amd64: { task: build }, s390x: { task: build.cell("s390x") } } },
  list: { ...oven, entries: [{ platform: "x86_64", source: { ref: "quay.io/a/b:1" } }] },
  cells: { ...oven, entries: build },
} });
task({ needs: { pushed: manifest.tasks["manifest:push:record"] }, run: ({ needs }) => needs.pushed.images["record"]?.digest.length });`);

  expect(messages).toBe("");
});

test.for([
  ["a forgotten platform", "{ amd64: { task: build } }", "Property 's390x' is missing"],
  [
    "a platform too many",
    `{ amd64: { task: build }, s390x: { task: build }, "arm/v7": { task: build } }`,
    `'"arm/v7"' does not exist`,
  ],
  [
    "a task that builds no image",
    "{ amd64: { task: build }, s390x: { task: text } }",
    "Type 'string' is not assignable to type 'ImageResult'",
  ],
])("the compiler refuses %s", async ([, entries, message]) => {
  expect(await compile(`multiarchManifest({ images: { oven: { ...oven, entries: ${entries} } } });`)).toContain(
    message,
  );
});
