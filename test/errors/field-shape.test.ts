import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("FIELD_SHAPE: an option of the wrong kind says what it takes", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { loaf: `image({ platforms: "amd64" })` },
      `import { image } from "builderfile/plugins/images";`,
    ),
  });

  const result = await p.bt("loaf");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: The option "platforms" of image() is a string, but takes a list
      at   builderfile.ts:4:11
           "loaf": image({ platforms: "amd64" }),
                   ^
      fix  Give "platforms" such a value.
    "
  `);
});

test("FIELD_SHAPE: a plugin that is given no record says so", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      {},
      `import { rpmDeps } from "builderfile/plugins/rpm-deps";\nrpmDeps("rpm/pins.json");`,
    ),
  });

  const result = await p.bt("--list");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(
    "bt: What rpmDeps() is given is a string, but takes a record\n  at   builderfile.ts:3:1\n",
  );
});

test.each([
  [
    `multiarchManifest({ images: "loaf" })`,
    "multiarch-manifest",
    `"images" of multiarchManifest() is a string, but takes a record`,
  ],
  [
    `multiarchManifest({ images: { loaf: 1 } })`,
    "multiarch-manifest",
    `"images.loaf" of multiarchManifest() is a number, but takes a record`,
  ],
  [`sideImages({ dir: ["loaf"] })`, "side-images", `"dir" of sideImages() is a list, but takes a string`],
  [`rpmDeps({ streams: ["main"] })`, "rpm-deps", `"streams" of rpmDeps() is a list, but takes a record`],
])("FIELD_SHAPE: %s", async (call, plugin, problem) => {
  const name = call.slice(0, call.indexOf("("));
  const p = await project({
    "builderfile.ts": withTasks({}, `import { ${name} } from "builderfile/plugins/${plugin}";\n${call};`),
  });

  const result = await p.bt("--list");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`bt: The option ${problem}\n  at   builderfile.ts:3:1\n`);
});
