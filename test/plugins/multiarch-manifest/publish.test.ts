/** Publishing to the real registry and to layouts. skopeo judges the result. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { assemble } from "../../../plugins/multiarch-manifest/assemble.ts";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { writeDigests } from "../../../plugins/multiarch-manifest/digests.ts";
import { blobPath, createLayout, readEntries } from "../../../plugins/multiarch-manifest/layout.ts";
import { mediaTypes } from "../../../plugins/multiarch-manifest/oci.ts";
import { planPublish, renderPlan, type PublishItem } from "../../../plugins/multiarch-manifest/plan.ts";
import { listTags } from "../../../plugins/multiarch-manifest/registry.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { writeImage } from "../../support/image.ts";
import { startRegistry } from "../../support/registry.ts";
import { digestAt, open, send } from "../../support/publish.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

test("publish() makes an index visible that skopeo reads byte for byte; the second time nothing is sent", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const image = await makeIndex("rye", ["amd64", "arm64", "arm/v7"]);
  const item = { name: "rye", image, to: `docker://${proxy.host}/bake/rye:1`, alsoTags: ["latest"] };
  const file = join(await temporaryFolder(), "digests.json");

  const first = await send([item]);
  await writeDigests(file, first, new Date(0));
  const before = proxy.seen.length;
  const second = await send([item]);
  await writeDigests(file, second, new Date(1000));

  expect(first).toMatchObject([
    { status: "pushed", reference: item.to, digest: image.descriptor.digest, tags: ["1", "latest"] },
  ]);
  expect(second).toMatchObject([{ status: "unchanged", digest: image.descriptor.digest }]);
  expect(proxy.seen.slice(before).filter((line) => /^(POST|PUT|PATCH)/.test(line))).toEqual([]);
  const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${host}/bake/rye:latest`]);
  const digests = JSON.parse(await readFile(file, "utf8")) as {
    images: { rye: { digest: string; pushedAt: string; platforms: object } };
  };
  expect(digestOf(raw)).toBe(digests.images.rye.digest);
  expect(digests.images.rye.pushedAt).toBe("1970-01-01T00:00:00.000Z");
  expect(Object.keys(digests.images.rye.platforms)).toEqual(["linux/amd64", "linux/arm64", "linux/arm/v7"]);
  expect((JSON.parse(raw) as { manifests: { platform: object }[] }).manifests.map((one) => one.platform)).toEqual([
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux" },
    { architecture: "arm", os: "linux", variant: "v7" },
  ]);
  const copy = await temporaryFolder();
  await run("skopeo", [
    "copy",
    "--all",
    "--preserve-digests",
    "--src-tls-verify=false",
    `docker://${host}/bake/rye:1`,
    `oci:${copy}:1`,
  ]);
});

test.for(["oci", "v2s2"] as const)(
  "an image in Docker's format and one in OCI's become an index of one family, %s, which skopeo reads and copies",
  async (format) => {
    const { host } = await startRegistry();
    const [docker, oci] = [
      await writeImage({ format: "v2s2" }),
      await writeImage({ platform: { architecture: "arm64", os: "linux" } }),
    ];
    const entries = [
      { platform: "amd64", layout: docker.layout, digest: docker.manifest.digest },
      { platform: "arm64", layout: oci.layout, digest: oci.manifest.digest },
    ];
    const image = await assemble({ name: "rye", entries, format }, await createLayout(await temporaryFolder()));
    const copy = await temporaryFolder();

    await send([{ name: "rye", image, to: `${host}/bake/rye:1` }]);

    const place = `docker://${host}/bake/rye:1`;
    const raw = await run("skopeo", ["inspect", "--raw", "--tls-verify=false", place]);
    const { mediaType, manifests } = JSON.parse(raw) as { mediaType: string; manifests: { mediaType: string }[] };
    const { index, manifest } = mediaTypes[format];
    expect([mediaType, ...manifests.map((one) => one.mediaType)]).toEqual([index, manifest, manifest]);
    expect(digestOf(raw)).toBe(image.descriptor.digest);
    const shown = await run("skopeo", ["inspect", "--tls-verify=false", "--override-arch=arm64", place]);
    expect(JSON.parse(shown)).toMatchObject({ Architecture: "arm64" });
    await run("skopeo", ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", place, `dir:${copy}`]);
    expect(digestOf(await readFile(join(copy, "manifest.json"), "utf8"))).toBe(image.descriptor.digest);
  },
);

test("publish() writes layouts with one entry per tag, and leaves other entries", async () => {
  const dir = join(await temporaryFolder(), "out");
  const rye = await makeIndex("rye");
  const spelt = await makeIndex("spelt");
  await send([{ name: "rye", image: rye, to: `oci:${dir}:1`, alsoTags: ["latest"] }]);

  const results = await send([{ name: "spelt", image: spelt, to: `oci:${dir}:2`, alsoTags: ["latest"] }]);

  expect(results).toMatchObject([{ status: "pushed", reference: `oci:${dir}:2` }]);
  expect((await readEntries({ dir })).map((one) => [Object.values(one.annotations ?? {})[0], one.digest])).toEqual([
    ["1", rye.descriptor.digest],
    ["2", spelt.descriptor.digest],
    ["latest", spelt.descriptor.digest],
  ]);
  expect(await send([{ name: "spelt", image: spelt, to: `oci:${dir}:2` }])).toMatchObject([{ status: "unchanged" }]);
});

test("publish() mounts blobs that another image of the group has brought", async () => {
  const { host } = await startRegistry();
  const proxy = await startSpoiler(host, () => undefined);
  const image = await makeIndex("rye");

  await send([
    { name: "a", image, to: `${proxy.host}/bake/a:1` },
    { name: "b", image, to: `${proxy.host}/bake/b:1` },
  ]);

  const uploads = proxy.seen.filter((line) => line.startsWith("PUT /v2/bake/b/blobs"));
  expect(uploads).toEqual([]);
  expect(proxy.seen.filter((line) => line.includes("/v2/bake/b/blobs/uploads/?mount="))).toHaveLength(4);
});

test("publish() moves no tag of a group when one image is broken", async () => {
  const { host } = await startRegistry();
  const [rye, spelt] = [await makeIndex("rye"), await makeIndex("spelt")];
  await rm(blobPath(spelt.layout, spelt.children[1]!.imageId));
  const group = [
    { name: "rye", image: rye, to: `${host}/bake/rye:1` },
    { name: "spelt", image: spelt, to: `${host}/bake/spelt:1` },
  ];

  await expect(send(group)).rejects.toMatchObject({
    code: "MANIFEST_IMAGES_BROKEN",
    exitCode: 1,
    message: "1 things keep the images from being published; no tag was moved",
    detail: [`spelt: There is no blob ${spelt.children[1]!.imageId} in layout "${spelt.layout.dir}"`],
  });

  expect(await listTags(await open(host, "bake/rye"))).toEqual([]);
});

test("publish() needs exactly the required platforms", async () => {
  const image = await makeIndex("rye", ["amd64"]);

  await expect(
    send([{ name: "rye", image, to: "oci:/nowhere/out:1", requirePlatforms: ["amd64", "s390x"] }]),
  ).rejects.toMatchObject({
    code: "MANIFEST_IMAGES_BROKEN",
    detail: [expect.stringContaining("misses s390x")],
  });
});

test("onExisting: same refuses other content, fail refuses any", async () => {
  const { host } = await startRegistry();
  const [old, fresh] = [await makeIndex("old"), await makeIndex("new")];
  const to = `${host}/bake/rye:1`;
  await send([{ name: "rye", image: old, to }]);

  await expect(send([{ name: "rye", image: fresh, to, onExisting: "same" }])).rejects.toMatchObject({
    message: `${to} exists already and stands for ${old.descriptor.digest}; onExisting is "same"`,
    detail: [`this image is ${fresh.descriptor.digest}`],
  });
  await expect(send([{ name: "rye", image: fresh, to, onExisting: "fail" }])).rejects.toMatchObject({
    code: "MANIFEST_TAG_EXISTS",
  });
  await expect(send([{ name: "rye", image: old, to, onExisting: "same" }])).resolves.toMatchObject([
    { status: "unchanged" },
  ]);
  await expect(send([{ name: "rye", image: fresh, to, onExisting: "overwrite" }])).resolves.toMatchObject([
    { status: "pushed" },
  ]);
});

test("pushArchTags tags the children too", async () => {
  const { host } = await startRegistry();
  const image = await makeIndex("rye", ["amd64", "arm/v7"]);

  await send([{ name: "rye", image, to: `${host}/bake/rye:1`, pushArchTags: true }]);

  expect(await listTags(await open(host, "bake/rye"))).toEqual(["1", "1-amd64", "1-armv7"]);
  expect(await digestAt(host, "bake/rye", "1-armv7")).toBe(image.children[1]?.descriptor.digest);
});

test("planPublish() refuses what cannot be meant, and renderPlan() needs no network", async () => {
  const image = await makeIndex("rye");
  const plan = (...items: Partial<PublishItem>[]): ReturnType<typeof planPublish> =>
    planPublish(items.map((item) => ({ name: "rye", image, to: "quay.io/bake/rye:1", ...item })));

  expect(() => plan({}, { name: "spelt" })).toThrow(
    'The images "rye" and "spelt" are both published as quay.io/bake/rye:1',
  );
  expect(() => plan({ to: "quay.io/bake/rye" })).toThrow(
    'The image "rye" has no tags, so publishing it to "quay.io/bake/rye" would show nothing',
  );
  expect(() => plan({ tags: ["a+b"] })).toThrow('The tag "a+b" of image "rye" is not what tags can be');
  expect(() => plan({ to: `quay.io/bake/rye@${image.descriptor.digest}` })).toThrow(
    "has a digest, which only the published bytes decide",
  );
  expect(() => plan({ to: "containers-storage:rye" })).toThrow("is the storage of container engines");
  expect(renderPlan(plan({ alsoTags: ["latest"] }))).toEqual([
    `rye: ${image.descriptor.digest} (amd64, arm64)`,
    "  send    to quay.io/bake/rye: blobs, 2 manifests, 1 index, by digest",
    `  verify  quay.io/bake/rye@${image.descriptor.digest}`,
    `  tag     quay.io/bake/rye:1 → ${image.descriptor.digest}`,
    `  tag     quay.io/bake/rye:latest → ${image.descriptor.digest}`,
  ]);
});
