import { expect, test } from "vitest";
import {
  findPlatform,
  hostPlatform,
  ociPlatform,
  parsePlatform,
  platforms,
  platformTable,
} from "../../core/platform.ts";
import { codesOf } from "./rig.ts";

test("every name of every architecture leads back to it", () => {
  for (const platform of platformTable) {
    for (const name of [platform.arch, platform.uname, platform.rpm, platform.dpkg, ...platform.aliases]) {
      expect(findPlatform(name)).toBe(platform);
      expect(findPlatform(` linux/${name.toUpperCase()} `)).toBe(platform);
    }
  }
});

test("arch is the OCI spelling: GOARCH, and the variant where there is one", () => {
  for (const { arch, goarch, variant } of platformTable)
    expect(arch).toBe(variant === undefined ? goarch : `${goarch}/${variant}`);
});

test("platforms() keeps the order, folds spellings, and drops what comes twice", () => {
  expect(platforms("s390x", "x86_64" as "amd64", "amd64")).toEqual(["s390x", "amd64"]);
});

test("parsePlatform() refuses what it does not know", async () => {
  expect(findPlatform("sparc")).toBeUndefined();
  expect(await codesOf(() => parsePlatform("sparc"))).toEqual(["PLATFORM_UNKNOWN"]);
});

test("ociPlatform() has the variant as a part of its own", () => {
  expect(ociPlatform("armv7l")).toBe("linux/arm/v7");
});

test("hostPlatform() is the one that node runs on", () => {
  expect([hostPlatform().uname, hostPlatform().goarch, hostPlatform().dpkg]).toContain(
    process.arch === "x64" ? "x86_64" : process.arch,
  );
});
