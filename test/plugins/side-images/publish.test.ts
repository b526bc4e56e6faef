/** What becomes visible in a real registry, and what does not when a cell fails. */
import { expect } from "vitest";
import { digestAt } from "../../support/publish.ts";
import { startRegistry, writeAuthFile, writeHtpasswd } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";
import { platformsAt, pushList, pushSingle, rawAt, repositoriesOf } from "./release.ts";
import { components, made, world } from "./world.ts";

const test = testWith("docker-registry", "skopeo", "git", "htpasswd");
const two = "amd64 arm64";

test('PUSH=yes publishes exactly what was asked for, as `COMPONENTS="base-image" ./build.sh` did', async () => {
  const { host } = await startRegistry();
  const w = await world();
  const given = { COMPONENTS: "base-image", PUSH: "yes", DEST_REGISTRY: `${host}/ms`, PARALLEL: "no" };

  const result = await w.side(given, "side-images");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await platformsAt(`${host}/ms/base-image:4.10.18`)).toEqual([
    "amd64",
    "arm64",
    "arm/v7",
    "ppc64le",
    "riscv64",
  ]);
  expect(await repositoriesOf(host)).toEqual(["ms/base-image"]);
  expect(
    JSON.parse(await run("skopeo", ["list-tags", "--tls-verify=false", `docker://${host}/ms/base-image`])),
  ).toMatchObject({
    Tags: ["4.10.18"],
  });
  expect((await w.side({}, "side-images:digests")).stdout).toContain(`"${host}/ms/base-image:4.10.18"`);
});

test("nothing is sent without PUSH, and a second publish finds everything there", async () => {
  const { host } = await startRegistry();
  const w = await world();
  const given = { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: two };

  const local = await w.side(given, "side-images");
  const before = await repositoriesOf(host);
  const first = await w.side(given, "side-images:push");
  const second = await w.side({ ...given, PUSH: "TRUE" }, "side-images");

  expect(local.stdout).toContain("nothing was published: PUSH is no");
  expect(before).toEqual([]);
  expect(first.stdout.match(/ published$/gm)).toHaveLength(2);
  expect(second.stdout.match(/was there already$/gm)).toHaveLength(2);
  expect(made(first)).toEqual(["push:base-image"]);
});

test("a child is built on the new base, not on the one that the registry has", async () => {
  const { host } = await startRegistry();
  const w = await world();
  await pushList(`${host}/ms/base-image:4.10.18`, ["amd64", "arm64"], "old");

  await w.side(
    { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: "arm64", COMPONENTS: "base-image coredns" },
    "side-images",
  );

  expect(w.image("coredns", "arm64").config.rootfs.diff_ids[0]).toBe(
    w.image("base-image", "arm64").config.rootfs.diff_ids[0],
  );
});

test('parents: "registry" builds on the published parent', async () => {
  const { host } = await startRegistry();
  const w = await world({ options: 'imageReferences: false, parents: "registry"' });
  await pushList(`${host}/ms/base-image:4.10.18`, ["arm64"], "old");

  const result = await w.side(
    { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: "arm64", COMPONENTS: "coredns" },
    "side-images",
  );

  expect(made(result)).not.toContain("image:base-image:arm64");
  expect(w.image("coredns", "arm64").layers).toHaveLength(2);
});

test("a cell that breaks after a good build leaves the published index as it was", async () => {
  const { host } = await startRegistry();
  const w = await world();
  const given = { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: two, PUSH: "yes", COMPONENTS: "base-image" };
  await w.side(given, "side-images");
  const before = await digestAt(host, "ms/base-image", "4.10.18");
  w.component("base-image/f-amd64", "newer");
  w.component("base-image/Dockerfile.arm64", "FROM scratch\nCOPY nothing /\n");

  const result = await w.side({ ...given, PARALLEL: "yes" }, "side-images");
  const inTurn = await w.side({ ...given, PARALLEL: "no" }, "-k", "side-images");

  expect([result.exitCode, inTurn.exitCode]).toEqual([1, 1]);
  expect(await digestAt(host, "ms/base-image", "4.10.18")).toBe(before);
});

test("with -k every failure is listed; a group is published whole or not, and alone with PUBLISH_GROUP=each", async () => {
  const { host } = await startRegistry();
  const broken = "FROM scratch\nCOPY nothing /\n";
  const w = await world({ files: { "broken/Dockerfile.amd64": broken, "broken/Dockerfile.arm64": broken } });
  const given = { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: two, PUSH: "yes", COMPONENTS: "broken base-image" };

  const all = await w.side(given, "-k", "side-images");
  const nothing = await repositoriesOf(host);
  const each = await w.side({ ...given, PUBLISH_GROUP: "each" }, "-k", "side-images");

  expect(all.exitCode).toBe(1);
  expect(all.stdout).toMatch(/✖ side-images:image:broken:amd64/);
  expect(all.stdout).toMatch(/✖ side-images:image:broken:arm64/);
  expect(nothing).toEqual([]);
  expect(each.exitCode).toBe(1);
  expect(await repositoriesOf(host)).toEqual(["ms/base-image"]);
});

test("groups of the builderfile become visible each as a whole", async () => {
  const { host } = await startRegistry();
  const broken = "FROM scratch\nCOPY nothing /\n";
  const w = await world({
    options: 'imageReferences: false, publishGroup: [["base-image", "coredns"], ["fine", "broken"]]',
    files: { "broken/Dockerfile": broken, "fine/Dockerfile": "FROM scratch\nLABEL a=1\n" },
  });

  const result = await w.side(
    { DEST_REGISTRY: `${host}/ms`, ARCHITECTURES: "arm64", PUSH: "yes" },
    "-k",
    "side-images",
  );

  expect(result.exitCode).toBe(1);
  expect(await repositoriesOf(host)).toEqual(["ms/base-image", "ms/coredns"]);
});

test("an architecture of ALLOW_MISSING may fail or have no method; the others are published", async () => {
  const { host } = await startRegistry();
  const w = await world({
    files: {
      "some/Dockerfile.amd64": "FROM scratch\nLABEL a=1\n",
      "some/Dockerfile.arm64": "FROM scratch\nCOPY nothing /\n",
    },
  });
  const given = { DEST_REGISTRY: `${host}/ms`, PUSH: "yes", COMPONENTS: "some", ARCHITECTURES: "amd64 arm64 riscv64" };

  const result = await w.side({ ...given, ALLOW_MISSING: "arm64 riscv64" }, "side-images");

  expect(result.exitCode).toBe(0);
  expect(await platformsAt(`${host}/ms/some:4.10.18`)).toEqual(["amd64"]);
});

test("a source with several architectures gives each cell its own, however they race", async () => {
  const { host } = await startRegistry();
  await pushList(`${host}/up/multi:1`, ["amd64", "arm64", "arm/v7"]);
  const w = await world({ files: { "multi/ImageSource": `${host}/up/multi:1\n` } });
  const given = { COMPONENTS: "multi", ARCHITECTURES: "amd64 arm64 arm", DEST_REGISTRY: `${host}/ms` };

  for (let round = 0; round < 20; round++) {
    const result = await w.side(given, "side-images", "-B");
    expect(result.exitCode).toBe(0);
    const { cells, index } = w.index("multi");
    const text = w.read(`${index.layout}/blobs/${index.digest.replace(":", "/")}`);
    const { manifests } = JSON.parse(text) as { readonly manifests: readonly { readonly platform: object }[] };
    expect(manifests.map(({ platform }) => platform)).toEqual([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64" },
      { os: "linux", architecture: "arm", variant: "v7" },
    ]);
    expect(["amd64", "arm64", "arm"].map((arch) => w.image("multi", arch).config.architecture)).toEqual([
      "amd64",
      "arm64",
      "arm",
    ]);
    expect(new Set(Object.values(cells).map(({ digest }) => digest)).size).toBe(3);
  }
});

test("sources of Docker's media types and own images are one family in one index, in both formats", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/up/pause-amd64:1`, "amd64", { format: "v2s2" });
  const w = await world({
    files: {
      "pause/ImageSource.amd64": `${host}/up/pause-amd64:1`,
      "pause/Dockerfile.riscv64": 'FROM scratch\nCOPY p /pause\nCMD ["/pause"]\n',
      "pause/p": "p",
    },
  });
  const given = { COMPONENTS: "pause", ARCHITECTURES: "amd64 riscv64", DEST_REGISTRY: `${host}/ms`, PUSH: "yes" };
  const families = async (): Promise<readonly string[]> => {
    const { mediaType, manifests } = await rawAt(`${host}/ms/pause:4.10.18`);
    return [mediaType, ...manifests.map((one) => one.mediaType)].map((type) =>
      type.includes("docker") ? "v2s2" : "oci",
    );
  };

  await w.side(given, "side-images");
  const oci = await families();
  await w.side({ ...given, FORMAT: "v2s2" }, "side-images");

  expect(oci).toEqual(["oci", "oci", "oci"]);
  expect(await families()).toEqual(["v2s2", "v2s2", "v2s2"]);
});

test("an image whose config says another architecture is refused, unless its config may be rewritten", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/up/wrong:1`, "amd64");
  const files = { "wrong/ImageSource.arm64": `${host}/up/wrong:1` };
  const given = { COMPONENTS: "wrong", ARCHITECTURES: "arm64" };
  const w = await world({ files });
  const lenient = await world({
    files,
    options: 'imageReferences: false, overrides: { wrong: { rewriteConfig: ["arm64"] } }',
  });

  const result = await w.side(given, "side-images");
  const rewritten = await lenient.side(given, "side-images");

  expect(result.exitCode).toBe(1);
  expect(result.stdout + result.stderr).toContain(`/up/wrong`);
  expect(result.stdout + result.stderr).toContain("has no image for arm64; it has linux/amd64");
  expect(rewritten.exitCode).toBe(0);
  expect(lenient.image("wrong", "arm64").config.architecture).toBe("arm64");
});

test("armhfp stands for arm/v7 only where the builderfile says so, and never shows", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/up/hfp:1`, "armhfp");
  const files = {
    "hfp/ImageSource.arm": `${host}/up/hfp:1`,
    "child/Dockerfile": "ARG REGISTRY\nARG OKD_TAG\nFROM $REGISTRY/hfp:$OKD_TAG\nLABEL a=1\n",
  };
  const given = { COMPONENTS: "hfp child", ARCHITECTURES: "arm", DEST_REGISTRY: `${host}/ms`, PUSH: "yes" };
  const strict = await world({ files });
  const w = await world({ files, options: 'imageReferences: false, armFallback: ["armhfp"]' });

  const refused = await strict.side(given, "side-images");
  const result = await w.side(given, "side-images");

  expect(refused.exitCode).toBe(1);
  expect(refused.stdout + refused.stderr).toContain("it has linux/armhfp");
  expect(refused.stdout).toContain('or set armFallback: ["armhfp"] if that one is for arm/v7.\n');
  expect(result.stdout).toContain("hfp:arm said linux/armhfp and is published as linux/arm/v7\n");
  expect(result.exitCode).toBe(0);
  for (const name of ["hfp", "child"]) expect(await platformsAt(`${host}/ms/${name}:4.10.18`)).toEqual(["arm/v7"]);
  expect(w.image("child", "arm").config).toMatchObject({ architecture: "arm", variant: "v7" });
});

test("different versions in one index are said", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/up/coredns:v2.0`, "amd64");
  const w = await world({ files: { "coredns/ImageSource.amd64": `${host}/up/coredns:v2.0` } });

  const result = await w.side({ COMPONENTS: "coredns", ARCHITECTURES: two }, "side-images");

  expect(result.stdout).toContain(
    "coredns has different versions in one index: coredns:amd64 v2.0, coredns:arm64 v1.0",
  );
});

test("the archive has every image of one architecture, named as it is published", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/up/extra:1`, "amd64");
  const w = await world({
    options: `imageReferences: false, archive: { images: ["${host}/up/extra:1"], compress: "bz2" }`,
  });

  const result = await w.side({ ARCHITECTURES: "amd64", OUTPUT_DIR: "out", BASE_VERSION: "9" }, "side-images:archive");
  await run("tar", [
    "xjf",
    `${w.root}/out/microshift-containers-9-amd64.tar.bz2`,
    "-C",
    w.root,
    "--one-top-level=unpacked",
  ]);
  const names = (JSON.parse(w.read("unpacked/index.json")) as { manifests: { annotations: Record<string, string> }[] })
    .manifests;

  expect(result.exitCode).toBe(0);
  expect(names.map(({ annotations }) => Object.values(annotations)[0])).toEqual([
    "quay.io/microshift/base-image:4.10.18",
    "quay.io/microshift/coredns:4.10.18",
    `${host}/up/extra:1`,
  ]);
  await run("skopeo", ["inspect", `oci:${w.root}/unpacked:${host}/up/extra:1`]);
  expect(components).toContain("components");
});

test("short names are looked up in registries.conf and shown in full", async () => {
  const { host } = await startRegistry();
  await pushSingle(`${host}/pause:1`, "arm64");
  const w = await world({ files: { "pause/ImageSource": "pause:1\n" } });
  w.write("registries.conf", `unqualified-search-registries = ["${host}"]\n`);

  const conf = `${w.root}/registries.conf`;
  const result = await w.side(
    { COMPONENTS: "pause", ARCHITECTURES: "arm64", CONTAINERS_REGISTRIES_CONF: conf },
    "side-images",
  );

  expect(result.exitCode).toBe(0);
  expect(w.index("pause").cells["arm64"]!.upstream?.ref).toBe(`${host}/pause:1`);
});

test("a push that needs a password takes it from the auth file, and says so when it is missing", async () => {
  const { host } = await startRegistry({ htpasswd: await writeHtpasswd() });
  const w = await world();
  const given = { COMPONENTS: "base-image", ARCHITECTURES: "arm64", DEST_REGISTRY: `${host}/ms`, PUSH: "yes" };

  const refused = await w.side(given, "side-images");
  const result = await w.side({ ...given, REGISTRY_AUTH_FILE: await writeAuthFile(host) }, "side-images");

  expect(refused.exitCode).toBe(1);
  expect(result.exitCode).toBe(0);
  expect(result.stdout + result.stderr).not.toContain("crumb");
});
