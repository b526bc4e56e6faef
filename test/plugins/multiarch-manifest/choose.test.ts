/** Which child is for a platform, and which config fits a slot. */
import { expect, test } from "vitest";
import type { Arch } from "../../../core/index.ts";
import { agrees, chooseChild } from "../../../plugins/multiarch-manifest/choose.ts";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { mediaTypes, type Descriptor } from "../../../plugins/multiarch-manifest/oci.ts";

function child(name: string): Descriptor {
  const [os = "", architecture = "", variant] = name.split("/");
  const platform = { os, architecture, ...(variant !== undefined && { variant }) };
  return { mediaType: mediaTypes.oci.manifest, digest: digestOf(name), size: 1, platform };
}

test.each<[Arch, string[], string]>([
  ["amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"],
  ["arm64", ["linux/arm64/v8"], "linux/arm64/v8"],
  ["amd64", ["linux/amd64/v1", "linux/amd64/v3"], "linux/amd64/v1"],
  ["arm/v7", ["linux/arm/v6", "linux/arm", "linux/arm/v7"], "linux/arm/v7"],
  ["arm/v7", ["linux/arm/v6", "linux/arm"], "linux/arm"],
  ["arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"],
  ["s390x", ["unknown/unknown", "linux/s390x"], "linux/s390x"],
])("chooseChild() finds the image for %s among %j", (arch, names, expected) => {
  expect(chooseChild(names.map(child), arch, "oven").child).toEqual(child(expected));
});

test("chooseChild() warns when the image is for an older variant", () => {
  expect(chooseChild([child("linux/arm/v6")], "arm/v7", "oven").warning).toBe(
    "oven has no arm/v7; linux/arm/v6 is used",
  );
  expect(chooseChild([child("linux/arm/v7")], "arm/v7", "oven").warning).toBeUndefined();
});

test("chooseChild() never takes an attestation, and says what exists", () => {
  const attestation = { ...child("linux/amd64"), annotations: { "vnd.docker.reference.type": "attestation-manifest" } };

  expect(() =>
    chooseChild([attestation, child("linux/arm64"), child("linux/386")], "amd64", "quay.io/bake/oven:1"),
  ).toThrow(
    expect.objectContaining({
      code: "MANIFEST_CHILD_MISSING",
      message: "quay.io/bake/oven:1 has no image for amd64; it has linux/386, linux/arm64",
    }),
  );
});

test("chooseChild() names both digests when two images are equally good", () => {
  const other = { ...child("linux/amd64"), digest: digestOf("other") };

  expect(() => chooseChild([child("linux/amd64"), other], "amd64", "oven")).toThrow(
    `oven has two images for amd64: ${child("linux/amd64").digest} and ${other.digest}`,
  );
});

test("chooseChild() takes Fedora's armhfp for arm/v7 only when it is allowed", () => {
  const children = [child("linux/armhfp")];

  expect(chooseChild(children, "arm/v7", "fedora", { armFallback: ["armhfp"] }).child).toEqual(children[0]);
  expect(() => chooseChild(children, "arm/v7", "fedora")).toThrow(
    "fedora has no image for arm/v7; it has linux/armhfp",
  );
});

test.each<[string, Arch, boolean]>([
  ["linux/amd64", "amd64", true],
  ["linux/arm", "arm/v7", true],
  ["linux/arm/v6", "arm/v7", false],
  ["linux/arm64/v8", "arm64", true],
  ["linux/amd64", "arm64", false],
  ["windows/amd64", "amd64", false],
])("a config of %s in the slot %s agrees: %s", (config, arch, expected) => {
  expect(agrees(child(config).platform!, arch)).toBe(expected);
});
