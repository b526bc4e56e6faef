/** Assembling and verifying indexes in layouts; skopeo judges the result. */
import { rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { assemble, type AssembleEntry, type AssembleSpec } from "../../../plugins/multiarch-manifest/assemble.ts";
import { convertManifest } from "../../../plugins/multiarch-manifest/convert.ts";
import { parseConfig, parseIndex, parseManifest } from "../../../plugins/multiarch-manifest/document.ts";
import {
  blobPath,
  createLayout,
  openLayout,
  readBlob,
  readEntries,
  writeBlob,
} from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes, type DescriptorPlatform } from "../../../plugins/multiarch-manifest/oci.ts";
import { layoutSource } from "../../../plugins/multiarch-manifest/source.ts";
import { verify } from "../../../plugins/multiarch-manifest/verify.ts";
import { writeImage, type ImageContent } from "../../support/image.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const arm: DescriptorPlatform = { architecture: "arm", os: "linux", variant: "v7" };

async function entry(platform: string, content: ImageContent = {}): Promise<AssembleEntry> {
  const [architecture = ""] = platform.split("/");
  const image = await writeImage({ platform: platform === "arm/v7" ? arm : { architecture, os: "linux" }, ...content });
  return { platform, layout: image.layout, digest: image.manifest.digest };
}

async function spec(...platforms: readonly string[]): Promise<AssembleSpec> {
  return { name: "oven", entries: await Promise.all(platforms.map((platform) => entry(platform))), entryName: "1" };
}

test("assemble() keeps the order and the children's bytes, and gives the same digest twice", async () => {
  const given = await spec("amd64", "arm64", "arm/v7");
  const first = await assemble(given, await createLayout(await temporaryFolder()));

  const second = await assemble(given, await createLayout(await temporaryFolder()));

  expect(second.descriptor).toEqual(first.descriptor);
  expect(first.children.map((child) => child.descriptor.digest)).toEqual(given.entries.map((one) => one.digest));
  const bytes = (await readBlob(first.layout, first.descriptor.digest)).toString();
  expect(bytes).toContain(
    '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":',
  );
  expect(parseIndex(Buffer.from(bytes), "index").manifests.map((one) => one.platform)).toEqual([
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux" },
    { architecture: "arm", os: "linux", variant: "v7" },
  ]);
  expect(
    await verify(layoutSource(first.layout), "1", { platforms: ["amd64", "arm64", "arm/v7"], deep: true }),
  ).toMatchObject({ findings: [] });
});

testWith("skopeo")("skopeo copies an assembled index out of its layout", async () => {
  const made = await assemble(await spec("amd64", "arm64"), await createLayout(await temporaryFolder()));
  const copy = await temporaryFolder();

  await run("skopeo", ["copy", "--all", "--preserve-digests", `oci:${made.layout.dir}:1`, `oci:${copy}:1`]);

  expect((await readEntries(await openLayout(copy))).map((one) => one.digest)).toEqual([made.descriptor.digest]);
  expect(await verify(layoutSource({ dir: copy }), "1", { platforms: ["amd64", "arm64"], deep: true })).toMatchObject({
    findings: [],
  });
});

test("assemble() converts mixed children to one family, to Docker's and back without loss", async () => {
  const entries = [await entry("amd64", { format: "v2s2" }), await entry("arm64", { annotations: { a: "b" } })];

  const oci = await assemble({ name: "oven", entries }, await createLayout(await temporaryFolder()));
  const docker = await assemble(
    { name: "oven", entries, format: "v2s2", entryName: "1" },
    await createLayout(await temporaryFolder()),
  );

  expect(oci.children.map((child) => child.descriptor.mediaType)).toEqual([
    mediaTypes.oci.manifest,
    mediaTypes.oci.manifest,
  ]);
  expect(oci.children[0]?.upstream).toEqual({ digest: entries[0]?.digest });
  expect(oci.children[1]?.upstream).toBeUndefined();
  expect(docker.descriptor.mediaType).toBe(mediaTypes.v2s2.index);
  expect(docker.children[0]?.descriptor.digest).toBe(entries[0]?.digest);
  expect(docker.children.map((child) => child.imageId)).toEqual(oci.children.map((child) => child.imageId));
  expect(docker.warnings).toEqual(["oven: v2s2 has no annotations, dropped a"]);
  expect(await verify(layoutSource(docker.layout), "1", { format: "v2s2" })).toMatchObject({ findings: [] });
  expect((await verify(layoutSource(docker.layout), "1", { format: "oci" })).findings).toHaveLength(3);
});

test("convertManifest() refuses a zstd layer for Docker", async () => {
  const image = await writeImage();
  const bytes = await readBlob(image.layout, image.manifest.digest);
  const manifest = parseManifest(bytes, "oven");
  const zstd = { ...manifest, layers: [{ ...image.layer, mediaType: mediaTypes.oci.layerZstd }] };

  expect(() => convertManifest(bytes, zstd, "v2s2", "oven")).toThrow(
    'oven has a layer of type "application/vnd.oci.image.layer.v1.tar+zstd", which Docker v2s2 does not know',
  );
});

test("assemble() names what differs between the wanted and the given platforms", async () => {
  const given = await spec("amd64", "arm64");
  const into = await createLayout(await temporaryFolder());

  await expect(assemble({ ...given, requirePlatforms: ["amd64", "s390x"] }, into)).rejects.toMatchObject({
    message: 'The index "oven" misses s390x and has arm64, which nobody asked for',
    fix: "Build s390x, or name them in allowMissing. Remove the entries for arm64, or add them to requirePlatforms.",
  });
  await expect(
    assemble({ ...given, requirePlatforms: ["aarch64", "amd64", "s390x"], allowMissing: ["s390x"] }, into),
  ).resolves.toBeDefined();
  await expect(assemble({ name: "oven", entries: [] }, into)).rejects.toMatchObject({ code: "MANIFEST_ENTRIES_EMPTY" });
});

test.each(["armhfp", "bogus"])("assemble() does not know the platform %s", async (platform) => {
  const entries = [{ ...(await entry("amd64")), platform }];

  await expect(assemble({ name: "oven", entries }, await createLayout(await temporaryFolder()))).rejects.toMatchObject({
    code: "PLATFORM_UNKNOWN",
  });
});

test("assemble() refuses a platform twice, and one digest for two platforms unless that is allowed", async () => {
  const one = await entry("amd64");
  const into = await createLayout(await temporaryFolder());
  const shared = [one, { ...one, platform: "arm64", rewriteConfig: true }];

  await expect(assemble({ name: "oven", entries: [one, one] }, into)).rejects.toMatchObject({
    code: "MANIFEST_PLATFORM_TWICE",
  });
  const rewritten = await assemble({ name: "oven", entries: shared }, into);
  expect(rewritten.children[0]?.descriptor.digest).not.toBe(rewritten.children[1]?.descriptor.digest);
});

test("assemble() says which config is for another platform, and rewrites it when asked to", async () => {
  const wrong = {
    ...(await entry("amd64")),
    platform: "arm/v7",
    upstream: { ref: "quay.io/bake/oven:1", digest: "sha256:x" },
  };
  const into = await createLayout(await temporaryFolder());

  await expect(assemble({ name: "oven", entries: [wrong] }, into)).rejects.toMatchObject({
    message: `quay.io/bake/oven:1@${wrong.digest} is listed as linux/arm/v7, its config says linux/amd64`,
    fix: "Name the right image, or set rewriteConfig: true on that entry.",
  });
  const made = await assemble({ name: "oven", entries: [{ ...wrong, rewriteConfig: true }] }, into);

  const [child] = made.children;
  expect(parseConfig(await readBlob(into, child!.imageId), "config")).toMatchObject({
    architecture: "arm",
    variant: "v7",
    config: { Cmd: ["/hello"] },
  });
  expect(child?.upstream).toEqual(wrong.upstream);
  expect(await verify(layoutSource(into), made.descriptor.digest, { deep: true })).toMatchObject({ findings: [] });
});

test("verify() lists every finding: a changed config, a missing layer and a missing platform", async () => {
  const made = await assemble(await spec("amd64", "arm64"), await createLayout(await temporaryFolder()));
  const manifest = parseManifest(await readBlob(made.layout, made.children[1]!.descriptor.digest), "child");
  await writeFile(blobPath(made.layout, made.children[0]!.imageId), "stone");
  await rm(blobPath(made.layout, manifest.layers[0]!.digest));

  const { findings } = await verify(layoutSource(made.layout), "1", { platforms: ["amd64", "arm64", "s390x"] });

  expect(findings).toMatchObject([
    { code: "MANIFEST_BLOB_CORRUPT" },
    {
      code: "MANIFEST_BLOB_MISSING",
      message: `There is no blob ${manifest.layers[0]!.digest} in layout "${made.layout.dir}"`,
    },
    { code: "MANIFEST_PLATFORMS_DIFFER" },
  ]);
});

test("verify() finds a layer that was changed without changing its size only when it looks deep", async () => {
  const { layout, layer } = await writeImage();
  await writeFile(blobPath(layout, layer.digest), Buffer.alloc(layer.size));

  expect((await verify(layoutSource(layout), "1")).findings).toEqual([]);
  expect((await verify(layoutSource(layout), "1", { deep: true })).findings).toMatchObject([
    { code: "MANIFEST_BLOB_CORRUPT" },
  ]);
});

test("verify() finds a config that belongs to other layers", async () => {
  const bread = await writeImage();
  const cake = await writeImage({ files: { cake: "sweet" } }, bread.layout);
  const bytes = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    config: cake.config,
    layers: [bread.layer],
  });
  const { digest } = await writeBlob(bread.layout, Buffer.from(bytes));

  expect((await verify(layoutSource(bread.layout), digest, { deep: true })).findings).toMatchObject([
    { code: "MANIFEST_DIFF_ID" },
  ]);
});
