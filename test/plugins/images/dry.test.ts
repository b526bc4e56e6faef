/** What -n says of image tasks: bases, the engine's command, what is written. Nothing is started. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project } from "../../support/project.ts";

test("a dry run shows the engine's command, and what only a run can know in angle brackets", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, platforms } from "builderfile";
import { image } from "builderfile/plugins/images";
const dough = image({ name: "shop/dough", context: "dough", platforms: platforms("s390x") });
const loaf = image({ context: "loaf", platforms: platforms("s390x"), args: { SALT: "a b" } });
export default defineBuilder({ tasks: { dough, loaf } });
`,
    "dough/Dockerfile": "FROM quay.invalid/base:1\nCOPY Dockerfile /\n",
    "loaf/Dockerfile": "FROM shop/dough\nARG SALT\nRUN bake\n",
    "tools/buildah": `#!/bin/sh\ntouch "${"$"}0.ran"\n`,
  });
  fs.chmodSync(path.join(p.root, "tools/buildah"), 0o755);

  const result = await p.btWith({ env: { PATH: path.join(p.root, "tools") } }, "-n", "loaf:s390x");

  // Only root shares the images that builds start from.
  const isRoot = process.getuid?.() === 0;
  const own = "--root '<store of this build>' --runroot '<temporary folder>/build'";
  const both = isRoot ? `${own} --storage-opt '.imagestore=<store of bases>'` : own;
  expect(result.stdout.replaceAll(p.root, "ROOT").split("\n")).toEqual([
    "dough:s390x (it has never run)",
    "  from    quay.invalid/base:1@<digest for s390x>",
    "  build   dough/Dockerfile for s390x with embedded",
    "  write   .bt/oci",
    "loaf:s390x (it has never run)",
    "  from    the image of this run that is called shop/dough, for s390x",
    `  $ buildah ${isRoot ? `--root '<store of bases>' --runroot '<temporary folder>/images'` : own} pull --quiet --platform linux/s390x 'oci:bt-<ID of shop/dough>:image'`,
    `  $ buildah ${both} bud --isolation chroot --platform linux/s390x --pull=never --layers=false --format oci --iidfile '<file for the ID>' --timestamp 0 --ignorefile '<ignore file>' --build-arg 'SALT=a b' --file '<loaf/Dockerfile with every base by its ID>' ROOT/loaf`,
    `  $ buildah ${both} push --quiet --format oci '<ID of the image>' oci:built:image`,
    "  write   .bt/oci",
    "bt: 2 would run",
    "",
  ]);
  expect(fs.readdirSync(path.join(p.root, "tools"))).toEqual(["buildah"]);
  expect(p.exists(".bt")).toBe(false);
});
