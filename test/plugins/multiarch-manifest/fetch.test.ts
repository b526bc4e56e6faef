/** Fetching one platform's image from registries, layouts and engine storage. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { assemble, type Assembled } from "../../../plugins/multiarch-manifest/assemble.ts";
import { fetchImage, resolve, resolveName } from "../../../plugins/multiarch-manifest/fetch.ts";
import { createClient, type Client } from "../../../plugins/multiarch-manifest/host.ts";
import { blobPath, createLayout, readEntries, type Layout } from "../../../plugins/multiarch-manifest/layout.ts";
import { layoutSource } from "../../../plugins/multiarch-manifest/source.ts";
import { verify } from "../../../plugins/multiarch-manifest/verify.ts";
import { startSpoiler } from "../../support/fake-registry.ts";
import { writeImage } from "../../support/image.ts";
import { startRegistry, type TestRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo", "buildah");
const client: Client = createClient({ env: { PATH: process.env["PATH"], HTTPS_PROXY: "" }, backoffMs: 1 });

async function makeIndex(): Promise<Assembled> {
  const amd64 = await writeImage();
  const arm64 = await writeImage({ platform: { architecture: "arm64", os: "linux", variant: "v8" } });
  const entries = [
    { platform: "amd64", layout: amd64.layout, digest: amd64.manifest.digest },
    { platform: "arm64", layout: arm64.layout, digest: arm64.manifest.digest },
  ];
  return assemble({ name: "oven", entries, entryName: "1" }, await createLayout(await temporaryFolder()));
}

async function pushIndex(): Promise<{ registry: TestRegistry; made: Assembled }> {
  const registry = await startRegistry();
  const made = await makeIndex();
  await run("skopeo", [
    "copy",
    "--all",
    "--dest-tls-verify=false",
    `oci:${made.layout.dir}:1`,
    `docker://${registry.host}/bake/oven:1`,
  ]);
  return { registry, made };
}

async function emptyLayout(): Promise<Layout> {
  return createLayout(await temporaryFolder());
}

test("fetchImage() takes the platform's child of an index in a registry, whole and checked", async () => {
  const { registry, made } = await pushIndex();
  const into = await emptyLayout();

  const fetched = await fetchImage(`docker://${registry.host}/bake/oven:1`, "arm64", into, {
    client,
    entryName: "arm",
  });

  expect(fetched).toEqual({ ...made.children[1]?.descriptor, platform: { architecture: "arm64", os: "linux" } });
  expect(await readEntries(into)).toHaveLength(1);
  expect(await verify(layoutSource(into), "arm", { platforms: ["arm64"], deep: true })).toMatchObject({ findings: [] });
});

test("fetchImage() does not fetch blobs twice", async () => {
  const { registry } = await pushIndex();
  const proxy = await startSpoiler(registry.host, () => undefined);
  const into = await emptyLayout();
  await fetchImage(`docker://${proxy.host}/bake/oven:1`, "amd64", into, { client });
  const before = proxy.seen.filter((line) => line.startsWith("GET") && line.includes("/blobs/")).length;

  await fetchImage(`docker://${proxy.host}/bake/oven:1`, "amd64", into, { client });

  // The config is read to see that it is for the platform; the layer is not.
  expect(proxy.seen.filter((line) => line.startsWith("GET") && line.includes("/blobs/")).length - before).toBe(1);
});

test("fetchImage() refuses bytes that were changed in the registry, and keeps none", async () => {
  const { registry, made } = await pushIndex();
  const layer = JSON.parse(await readFile(blobPath(made.layout, made.children[0]!.descriptor.digest), "utf8"))
    .layers[0] as { digest: string; size: number };
  const hex = layer.digest.slice(7);
  await writeFile(
    join(registry.dir, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data"),
    Buffer.alloc(layer.size),
  );
  const into = await emptyLayout();

  await expect(fetchImage(`docker://${registry.host}/bake/oven:1`, "amd64", into, { client })).rejects.toMatchObject({
    code: "MANIFEST_BLOB_CORRUPT",
  });

  await expect(readFile(blobPath(into, made.children[0]!.descriptor.digest))).rejects.toMatchObject({ code: "ENOENT" });
});

test("fetchImage() says which platforms there are", async () => {
  const { registry } = await pushIndex();
  const reference = `docker://${registry.host}/bake/oven:1`;

  await expect(fetchImage(reference, "s390x", await emptyLayout(), { client })).rejects.toMatchObject({
    message: `${reference} has no image for s390x; it has linux/amd64, linux/arm64`,
    fix: "Name an image that has s390x, or leave s390x out.",
  });
  await expect(
    fetchImage(`docker://${registry.host}/bake/oven:2`, "amd64", await emptyLayout(), { client }),
  ).rejects.toMatchObject({
    code: "REGISTRY_MANIFEST_MISSING",
    message: `There is no image ${registry.host}/bake/oven:2`,
  });
});

test("fetchImage() refuses a single image of another platform", async () => {
  const image = await writeImage();

  await expect(fetchImage(`oci:${image.layout.dir}:1`, "arm64", await emptyLayout(), { client })).rejects.toMatchObject(
    {
      message: `oci:${image.layout.dir}:1 has no image for arm64; it has linux/amd64`,
    },
  );
});

test("fetchImage() reads layouts of skopeo, of buildah, and ones that list platforms themselves", async () => {
  const made = await makeIndex();
  const copy = await temporaryFolder();
  await run("skopeo", ["copy", "--all", `oci:${made.layout.dir}:1`, `oci:${copy}/skopeo:x`]);
  const store = await writeStorage();
  await run("buildah", ["manifest", "create", "oven"], store);
  await run("buildah", ["manifest", "add", "--all", "oven", `oci:${made.layout.dir}:1`], store);
  await run("buildah", ["manifest", "push", "--all", "oven", `oci:${copy}/buildah:x`], store);
  const plain = { imageLayoutVersion: "1.0.0" };
  const listed = join(copy, "listed");
  await run("cp", ["-r", made.layout.dir, listed]);
  await writeFile(join(listed, "oci-layout"), JSON.stringify(plain));
  await writeFile(
    join(listed, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: made.children.map((child) => child.descriptor) }),
  );

  for (const reference of [
    `oci:${copy}/skopeo:x`,
    `oci:${copy}/buildah:x`,
    `oci:${listed}`,
    `oci:${made.layout.dir}@${made.descriptor.digest}`,
  ]) {
    const fetched = await fetchImage(reference, "arm64", await emptyLayout(), { client });
    expect([reference, fetched.digest]).toEqual([reference, made.children[1]?.descriptor.digest]);
  }
});

test("fetchImage() says what is wrong with a layout: no such entry, a blob that is missing", async () => {
  const { layout, layer } = await writeImage({ name: "bread" });
  await expect(fetchImage(`oci:${layout.dir}:braed`, "amd64", await emptyLayout(), { client })).rejects.toMatchObject({
    message: `The layout "${layout.dir}" has no entry "braed"; it has bread`,
    fix: `Write oci:${layout.dir}:bread.`,
  });
  await rm(blobPath(layout, layer.digest));

  await expect(fetchImage(`oci:${layout.dir}:bread`, "amd64", await emptyLayout(), { client })).rejects.toMatchObject({
    message: `There is no blob ${layer.digest} in layout "${layout.dir}"`,
  });
});

test("fetchImage() takes an image of engine storage by its bare ID and asks no registry for an unknown one", async () => {
  const store = await writeStorage();
  const image = await writeImage();
  await run("skopeo", ["copy", `oci:${image.layout.dir}:1`, "containers-storage:localhost/oven:1"], store);
  const dead = {
    ...store,
    PATH: process.env["PATH"],
    HTTPS_PROXY: "http://127.0.0.1:9",
    HTTP_PROXY: "http://127.0.0.1:9",
  };
  const local = createClient({ env: dead });
  const into = await emptyLayout();

  const fetched = await fetchImage(`containers-storage:${image.config.digest}`, "amd64", into, {
    client: local,
    entryName: "1",
  });

  expect(await verify(layoutSource(into), fetched.digest, { platforms: ["amd64"], deep: true })).toMatchObject({
    findings: [],
  });
  await expect(
    fetchImage("containers-storage:localhost/none:1", "amd64", into, { client: local }),
  ).rejects.toMatchObject({
    code: "MANIFEST_STORAGE_MISSING",
    message: '`skopeo` finds no image "localhost/none:1" in the local storage; no registry was asked',
  });
  await expect(
    fetchImage("containers-storage:x", "amd64", into, { client: createClient({ env: { PATH: "/nowhere" } }) }),
  ).rejects.toMatchObject({
    message: 'The image "x" is in the storage of container engines, but neither `skopeo` nor `buildah` is installed',
  });
});

test("resolve() gives the digest of an index, of a child, and of a digest without asking", async () => {
  const { registry, made } = await pushIndex();
  const reference = `docker://${registry.host}/bake/oven:1`;

  expect(await resolve(reference, { client })).toBe(made.descriptor.digest);
  expect(await resolve(reference, { client, platform: "amd64" })).toBe(made.children[0]?.descriptor.digest);
  expect(await resolve(`oci:${made.layout.dir}:1`, { client })).toBe(made.descriptor.digest);
  expect(await resolve(`docker://nowhere.test/x@${made.descriptor.digest}`, { client })).toBe(made.descriptor.digest);
  await expect(resolve(`docker://${registry.host}/bake/oven:2`, { client })).rejects.toMatchObject({
    code: "REGISTRY_MANIFEST_MISSING",
  });
});

test("resolveName() finds short names in registries.conf", async () => {
  const registriesConf = join(await temporaryFolder(), "registries.conf");
  await writeFile(registriesConf, '[aliases]\n"fedora" = "registry.fedoraproject.org/fedora"\n');

  expect(await resolveName("fedora:36", { client: createClient({ env: {}, registriesConf }) })).toBe(
    "docker://registry.fedoraproject.org/fedora:36",
  );
});

/** A container storage of its own. */
async function writeStorage(): Promise<Record<string, string>> {
  const dir = await temporaryFolder();
  const conf = join(dir, "storage.conf");
  await writeFile(conf, `[storage]\ndriver = "vfs"\ngraphroot = "${dir}/graph"\nrunroot = "${dir}/run"\n`);
  return { CONTAINERS_STORAGE_CONF: conf };
}
