/** The tasks of the plugin, run by bt as people run it, against the real registry. skopeo judges. */
import { rmSync } from "node:fs";
import { expect } from "vitest";
import { digestOf } from "../../../plugins/multiarch-manifest/digest.ts";
import { writeImage } from "../../support/image.ts";
import { project, type Project } from "../../support/project.ts";
import { freePort, startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";

const test = testWith("docker-registry", "skopeo");

const head = `import { defineBuilder, platforms, task } from "builderfile";
import { image } from "builderfile/plugins/images";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
const arches = platforms("amd64", "arm64", "arm/v7");
const build = image({ platforms: arches });
`;

/** A project with one image task and these options of the plugin. */
async function bakery(options: string, tasks = "build"): Promise<Project> {
  return project({
    Dockerfile: "FROM scratch\nCOPY Dockerfile /Dockerfile\n",
    "builderfile.ts": `${head}export default defineBuilder({ plugins: [multiarchManifest(${options})], tasks: { ${tasks} } });\n`,
  });
}

const adhoc = `import { defineBuilder } from "builderfile";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
export default defineBuilder({ plugins: [multiarchManifest()] });
`;

async function raw(reference: string): Promise<string> {
  return run("skopeo", ["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]);
}

interface Digests {
  readonly images: Readonly<
    Record<string, { readonly digest: string; readonly platforms: Readonly<Record<string, object>> }>
  >;
}

test("manifest:push publishes what image tasks have built, once; digests.json says what skopeo sees", async () => {
  const { host } = await startRegistry();
  const p = await bakery(
    `{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], alsoTags: ["latest"], requirePlatforms: arches,
       entries: { amd64: { task: build }, arm64: { task: build.cell("arm64") }, "arm/v7": { task: build } } } } }`,
  );

  const first = await p.bt("manifest:push");
  const second = await p.bt("manifest:push");

  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(second.stdout).toContain("was there already");
  const { images } = JSON.parse(p.read(".bt/manifest/digests.json")) as Digests;
  const index = await raw(`${host}/bake/oven:latest`);
  expect(digestOf(index)).toBe(images["oven"]?.digest);
  expect(Object.keys(images["oven"]?.platforms ?? {})).toEqual(["linux/amd64", "linux/arm64", "linux/arm/v7"]);
  expect(index).toContain('"bt.key":"');
  expect(await run("skopeo", ["inspect", "--raw", `oci:${p.root}/.bt/manifest/oven:oven`])).toBe(index);
});

test("the same input gives the same index in another folder, with and without a comment in the builderfile", async () => {
  const options = `{ images: { oven: { name: "oci:out", tags: ["1"], entries: build } } }`;
  const [one, other] = [await bakery(options), await bakery(options)];
  other.write("builderfile.ts", `// Another day.\n${other.read("builderfile.ts")}`);

  await one.bt("manifest:push");
  await other.btWith({ env: { TZ: "Asia/Tokyo" } }, "manifest:push", "TLS_VERIFY=no");

  expect(other.read("out/index.json")).toBe(one.read("out/index.json"));
});

test("manifest:push IMAGE= SOURCES= replaces docker manifest create, annotate and push", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], entries: build } } }`);
  await p.bt("manifest:push");
  p.write("builderfile.ts", adhoc);

  const result = await p.bt(
    "manifest:push",
    `IMAGE=${host}/bake/both:2`,
    `SOURCES=linux/arm64=docker://${host}/bake/oven:1 x86_64=oci:.bt/manifest/oven`,
    "TAGS=2.1",
    "FORMAT=v2s2",
  );

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  const index = JSON.parse(await raw(`${host}/bake/both:2.1`)) as {
    mediaType: string;
    manifests: { platform: object }[];
  };
  expect(index.mediaType).toContain("manifest.list.v2");
  expect(index.manifests.map(({ platform }) => platform)).toEqual([
    { architecture: "arm64", os: "linux" },
    { architecture: "amd64", os: "linux" },
  ]);
  expect(await raw(`${host}/bake/both:2`)).toBe(await raw(`${host}/bake/both:2.1`));
});

test("-n says what each phase would send, with the registry stopped and everything unbuilt", async () => {
  const p = await bakery(`{ images: { oven: { name: "127.0.0.1:1/bake/oven", tags: ["1"], entries: build } } }`);

  const result = await p.bt("-n", "manifest:push");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  expect(result.stdout).toContain(`manifest:push (it declares no inputs)
  oven: linux/amd64, linux/arm64, linux/arm/v7, not assembled yet
    send    to 127.0.0.1:1/bake/oven: blobs, 3 manifests, 1 index, by digest
    verify  127.0.0.1:1/bake/oven
    tag     127.0.0.1:1/bake/oven:1
`);
  expect(p.exists(".bt/manifest")).toBe(false);
});

test("PLATFORMS builds and publishes only these platforms", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], entries: build } } }`);

  const result = await p.bt("manifest:push:oven", "manifest:create:oven.ARCHITECTURES=x86_64 aarch64");

  expect(result.stdout).not.toContain("build:arm/v7");
  const { manifests } = JSON.parse(await raw(`${host}/bake/oven:1`)) as {
    manifests: { platform: { architecture: string } }[];
  };
  expect(manifests.map(({ platform }) => platform.architecture)).toEqual(["amd64", "arm64"]);
});

test("publishGroup: all moves no tag when one image fails; each with -k publishes the others, exit 1", async () => {
  const { host } = await startRegistry();
  const images = (group: string): string => `{ publishGroup: ${group}, images: {
    rye: { name: "${host}/bake/rye", tags: ["1"], entries: build },
    spelt: { name: "${host}/bake/spelt", tags: ["1"], entries: build },
    burnt: { name: "${host}/bake/burnt", tags: ["1"], entries: [{ platform: "s390x", source: { task: build.cell("amd64") } }] },
  } }`;
  const [all, each] = [await bakery(images(`"all"`)), await bakery(images(`"each"`))];
  const tags = async (name: string): Promise<string> =>
    raw(`${host}/bake/${name}:1`).then(
      () => "there",
      () => "absent",
    );

  const refused = await all.bt("-k", "manifest:push");
  const before = [await tags("rye"), await tags("spelt"), await tags("burnt")];
  const partly = await each.bt("-k", "manifest:push");

  expect([refused.exitCode, before]).toEqual([1, ["absent", "absent", "absent"]]);
  expect([partly.exitCode, await tags("rye"), await tags("spelt"), await tags("burnt")]).toEqual([
    1,
    "there",
    "there",
    "absent",
  ]);
  expect(partly.stdout + partly.stderr).toContain('source of linux/s390x in image "burnt" has built no image for it');
});

test("publishGroup: lists are groups, what no list names is one of its own", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ publishGroup: [["rye", "spelt"]], images: {
    rye: { name: "${host}/bake/rye", tags: ["1"], entries: build },
    spelt: { name: "${host}/bake/spelt", tags: ["1"], entries: build },
    oat: { name: "${host}/bake/oat", tags: ["1"], entries: build },
  } }`);

  const one = await p.bt("manifest:push", "IMAGE=oat");
  const all = await p.bt("manifest:push");

  expect(one.stdout).not.toContain("bake/rye");
  expect(all.stdout).toMatch(/manifest:push:rye\+spelt[^]*tags {7}\S+\/bake\/rye:1, \S+\/bake\/spelt:1\n/);
  expect(Object.keys((JSON.parse(p.read(".bt/manifest/digests.json")) as Digests).images)).toEqual([
    "oat",
    "rye",
    "spelt",
  ]);
});

test("manifest:verify proves what is published, and lists all that is wrong", async () => {
  const registry = await startRegistry();
  const { host } = registry;
  const images = `{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], alsoTags: ["latest"], entries: build } } }`;
  const p = await bakery(images);
  await p.bt("manifest:push");

  const whole = await p.bt("manifest:verify", "DEEP=yes");
  p.write("builderfile.ts", p.read("builderfile.ts").replace(`"arm/v7")`, `"s390x")`));
  const other = await p.bt("manifest:verify", "IMAGE=oven");
  rmSync(`${registry.dir}/docker/registry/v2/repositories/bake/oven/_layers`, { recursive: true });
  const broken = await p.bt("manifest:verify", `IMAGE=${host}/bake/oven:1`);

  expect(whole.stdout).toContain("is whole: linux/amd64, linux/arm64, linux/arm/v7");
  expect([other.exitCode, other.stderr + other.stdout]).toEqual([
    1,
    expect.stringContaining("misses s390x and has arm/v7"),
  ]);
  expect([broken.exitCode, broken.stderr + broken.stdout]).toEqual([
    1,
    expect.stringContaining("3 things are wrong with"),
  ]);
});

test("manifest:inspect shows a table, and JSON that says the same", async () => {
  const { host } = await startRegistry();
  const p = await bakery(
    `{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], annotations: { season: "winter" }, entries: build } } }`,
  );
  await p.bt("manifest:push");

  const table = await p.bt("manifest:inspect");
  const json = await p.bt("manifest:inspect", `IMAGE=${host}/bake/oven:1`, "JSON=yes");

  expect(table.stdout).toMatch(/platform +size +layers +created +digest\nlinux\/amd64 +\d+ B +1 +1970-01-01 +sha256:/);
  expect(table.stdout).toContain("note    season=winter\n");
  const [found] = JSON.parse(json.stdout.slice(json.stdout.indexOf("["), json.stdout.lastIndexOf("]") + 1)) as {
    images: { platform: string }[];
  }[];
  expect(found?.images.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64", "linux/arm/v7"]);
});

test("manifest:archive writes layouts that skopeo reads, the same bytes every time; layers come from the registry", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], entries: build } } }`);
  await p.bt("manifest:push");
  p.write("builderfile.ts", adhoc);
  rmSync(`${p.root}/.bt`, { recursive: true });
  const words = [`IMAGE=${host}/bake/oven:1`, `SOURCES=${host}/bake/oven:1`];

  await p.bt("manifest:archive", ...words);
  const first = digestOf(p.read("dist/oven.tar"));
  const split = await p.bt("manifest:archive", ...words, "SPLIT=yes");
  await p.bt("manifest:archive", ...words);

  expect(split.stdout).toContain("dist/oven-amd64.tar\ndist/oven-arm64.tar\ndist/oven-armv7.tar\n");
  expect(digestOf(p.read("dist/oven.tar"))).toBe(first);
  await run("skopeo", ["copy", "--all", `oci-archive:${p.root}/dist/oven.tar`, `oci:${p.root}/copy:1`]);
  const single = await run("skopeo", ["inspect", `oci-archive:${p.root}/dist/oven-arm64.tar`]);
  expect(JSON.parse(single)).toMatchObject({ Architecture: "arm64" });
});

test("manifest:digests prints what was published, and says so when nothing was", async () => {
  const p = await bakery(`{ images: { oven: { name: "oci:out", tags: ["1"], entries: build } } }`);

  const before = await p.bt("manifest:digests");
  await p.bt("manifest:push");
  const after = await p.bt("manifest:digests", "OUT=release/digests.json");

  expect([before.exitCode, before.stderr + before.stdout]).toEqual([
    1,
    expect.stringContaining('There is no ".bt/manifest/digests.json"'),
  ]);
  expect(after.exitCode).toBe(0);
  expect(p.read("release/digests.json")).toBe(p.read(".bt/manifest/digests.json"));
});

test("allowMissing leaves a platform out that its source does not have", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], entries: build } } }`);
  await p.bt("manifest:push");
  const entries = ["amd64", "s390x"].map((arch) => `${arch}: { ref: "${host}/bake/oven:1" }`).join(", ");
  p.write(
    "builderfile.ts",
    adhoc.replace("()", `({ images: { some: { name: "${host}/bake/some", tags: ["1"], entries: { ${entries} } } } })`),
  );

  const refused = await p.bt("manifest:push");
  const allowed = await p.bt("manifest:push", "ALLOW_MISSING=s390x");
  const without = await p.bt("manifest:push", "manifest:fetch:some.ALLOW_MISSING=s390x");

  expect([refused.exitCode, refused.stderr + refused.stdout]).toEqual([
    1,
    expect.stringContaining("has no image for s390x"),
  ]);
  expect([allowed.exitCode, allowed.stdout]).toEqual([
    0,
    expect.stringContaining("linux/s390x is left out, as allowMissing allows"),
  ]);
  expect([without.exitCode, without.stderr + without.stdout]).toEqual([1, expect.stringContaining("misses s390x")]);
});

test("no engine is needed: create, push, verify and inspect work with an empty PATH", async () => {
  const { host } = await startRegistry();
  const p = await bakery(`{ images: { oven: { name: "${host}/bake/oven", tags: ["1"], entries: build } } }`);
  await p.bt("manifest:create");
  p.write("builderfile.ts", adhoc);
  const words = [`IMAGE=${host}/bake/oven:1`, "SOURCES=oci:.bt/manifest/oven"];
  const bt = (...argv: string[]): Promise<{ exitCode: number | undefined }> =>
    p.btWith({ env: { PATH: "/nowhere" } }, ...argv);

  const codes = [
    await bt("manifest:create", ...words),
    await bt("manifest:push", ...words),
    await bt("manifest:verify", words[0]!),
    await bt("manifest:inspect", words[0]!),
  ].map(({ exitCode }) => exitCode);

  expect(codes).toEqual([0, 0, 0, 0]);
});

test("a registry that is not there is an error with its address, and nothing is recorded", async () => {
  const port = await freePort();
  const p = await bakery(`{ images: { oven: { name: "127.0.0.1:${port}/bake/oven", tags: ["1"], entries: build } } }`);

  const result = await p.bt("manifest:push");

  expect([result.exitCode, result.stderr + result.stdout]).toEqual([
    1,
    expect.stringContaining(`127.0.0.1:${port} cannot be reached`),
  ]);
  expect(p.exists(".bt/manifest/digests.json")).toBe(false);
});

test("rewriteConfig puts an image into another slot, armFallback takes Fedora's armhfp for arm/v7, and arch tags are pushed", async () => {
  const { host } = await startRegistry();
  const fedora = await writeImage({ platform: { architecture: "armhfp", os: "linux" } });
  const spec = `name: "${host}/bake/oven", tags: ["1"], pushArchTags: true, entries: [
    { platform: "amd64", source: { task: build.cell("amd64") }, annotations: { crust: "dark" } },
    { platform: "s390x", source: { task: build.cell("arm64") }, rewriteConfig: true },
    { platform: "arm/v7", source: { layout: "${fedora.layout.dir}", ref: "1" } }]`;
  const p = await bakery(`{ images: { oven: { armFallback: ["armhfp"], ${spec} } } }`);
  const strict = await bakery(`{ images: { oven: { ${spec} } } }`);

  const result = await p.bt("manifest:push");
  const refused = await strict.bt("manifest:push");

  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
  const config = async (tag: string): Promise<unknown> =>
    JSON.parse(await run("skopeo", ["inspect", "--config", "--tls-verify=false", `docker://${host}/bake/oven:${tag}`]));
  expect(await config("1-s390x")).toMatchObject({ architecture: "s390x" });
  expect(await config("1-armv7")).toMatchObject({ architecture: "arm", variant: "v7" });
  expect(await raw(`${host}/bake/oven:1`)).toContain('"annotations":{"crust":"dark"}');
  expect([refused.exitCode, refused.stderr + refused.stdout]).toEqual([
    1,
    expect.stringContaining("has no image for arm/v7; it has linux/armhfp"),
  ]);
});

test("one image under two platforms is refused, unless allowSharedDigest says that it is meant", async () => {
  const image = await writeImage({ platform: { architecture: "arm", os: "linux" } });
  const entries = ["arm/v6", "arm/v7"].map((arch) => `"${arch}": { layout: "${image.layout.dir}" }`).join(", ");
  const spec = `name: "oci:out", tags: ["1"], entries: { ${entries} }`;
  const [strict, shared] = [
    await bakery(`{ images: { oven: { ${spec} } } }`),
    await bakery(`{ images: { oven: { allowSharedDigest: true, ${spec} } } }`),
  ];

  const refused = await strict.bt("manifest:push");
  const allowed = await shared.bt("manifest:push");

  expect([refused.exitCode, refused.stderr + refused.stdout]).toEqual([
    1,
    expect.stringMatching(/has sha256:\w+ for arm\/v6 and for arm\/v7/),
  ]);
  expect(allowed.exitCode).toBe(0);
});
