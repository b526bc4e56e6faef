import { expect, test } from "vitest";
import { project } from "../support/project.ts";

test("TEMPLATE_MISSING: no name, and nobody to ask", async () => {
  const p = await project({});

  const result = await p.bt("--init");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: No template is named, and there is no terminal to ask on
           bazel-builder  the builder container of a Bazel project, multi-arch
           empty          one task that says hello
           from-makefile  the Makefile of this folder, imported
           image          one image for two architectures, published as an index
           image-family   one image for each release branch of a product
           kernel-rootfs  Linux kernels and bootable root filesystems as OCI images
           kiwi-dice      operating-system images built with KIWI, on any host
           plugin         a plugin of your own, with a test
           side-images    images of a folder of components, published together
      fix  Name one: \`bt --init TEMPLATE\`.
    "
  `);
});
