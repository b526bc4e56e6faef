/** The example lvh-images says what it would do; slow.test.ts does it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { project } from "../../support/project.ts";

test("bt -n prove of lvh-images has one command for every step from the source to the guest", async () => {
  const p = await project({});
  fs.cpSync(path.join(import.meta.dirname, "../../../examples/lvh-images"), p.root, { recursive: true });

  const result = await p.bt("-n", "prove");

  expect(result.exitCode).toBe(0);
  const steps = [
    "tar -x --strip-components=1",
    " tinyconfig",
    "scripts/config --file",
    " olddefconfig",
    " dir-pkg",
    "mmdebstrap",
    "mke2fs",
    "qemu-img convert",
    "zstd",
    "qemu-system-x86_64",
  ];
  expect(steps.filter((step) => !result.stdout.includes(step))).toEqual([]);
  expect(fs.readdirSync(path.join(p.root, "_data")).sort()).toEqual(["images.json", "init", "kernels.json"]);
});
