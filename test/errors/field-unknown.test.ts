import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("FIELD_UNKNOWN: a misspelt option of a plugin names the closest one", async () => {
  const p = await project({
    "builderfile.ts": withTasks(
      { bake: `task({ run: "true" })` },
      `import { bazelBuilder } from "builderfile/plugins/bazel-builder";\nbazelBuilder({ prefx: "quay.io/bakery" });`,
    ),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: "prefx" is no option of bazelBuilder()
      at   builderfile.ts:3:1
           bazelBuilder({ prefx: "quay.io/bakery" });
           ^
      fix  Use "prefix".
    "
  `);
});

const bazel = "builderfile/plugins/bazel-builder";
const images = "builderfile/plugins/images";
const manifest = "builderfile/plugins/multiarch-manifest";
const rpm = "builderfile/plugins/rpm-deps";

test.each([
  [`bazelBuilder({ bazel: { targts: [] } })`, bazel, `"bazel.targts" is no option of bazelBuilder()\n`],
  [
    `bazelBuilder({ variants: { cs9: { image: "a", contxt: "." } } })`,
    bazel,
    `"variants.cs9.contxt" is no option of bazelBuilder()\n`,
  ],
  [`image({ platfroms: ["amd64"] })`, images, `"platfroms" is no option of image()\n`],
  [`publish({ image: "loaf" })`, manifest, `"image" is no option of publish()\n`],
  [
    `multiarchManifest({ images: { loaf: { nmae: "" } } })`,
    manifest,
    `"images.loaf.nmae" is no option of multiarchManifest()\n`,
  ],
  [`rpmDeps({ stream: {} })`, rpm, `"stream" is no option of rpmDeps()\n`],
  [`sideImages({ dirr: "." })`, "builderfile/plugins/side-images", `"dirr" is no option of sideImages()\n`],
  [`kernelRootfs({ kernel: [] })`, "builderfile/plugins/kernel-rootfs", `"kernel" is no option of kernelRootfs()\n`],
  [`kiwiDice({ recipe: {} })`, "builderfile/plugins/kiwi-dice", `"recipe" is no option of kiwiDice()\n`],
  [`remoteCache({ ulr: "" })`, "builderfile/plugins/remote-cache", `"ulr" is no option of remoteCache()\n`],
  [`remoteCache({ toString: "" })`, "builderfile/plugins/remote-cache", `"toString" is no option of remoteCache()\n`],
  [`param.string({ defualt: "rye" })`, "builderfile", `"defualt" is no option of param.string()\n`],
])("FIELD_UNKNOWN: %s", async (call, from, problem) => {
  const name = from === "builderfile" ? "builderfile" : `{ ${call.slice(0, call.indexOf("("))} } from "${from}"`;
  const p = await project({
    "builderfile.ts": from === "builderfile" ? withTasks({}, `${call};`) : withTasks({}, `import ${name};\n${call};`),
  });

  const result = await p.bt("--list");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`bt: ${problem}  at   builderfile.ts:`);
});
