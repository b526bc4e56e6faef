/** What goes wrong on the way: one architecture, the registry, a tag that is taken. What was done stays, what is wrong is not shown. */
import * as fs from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startSpoiler, type Fault } from "../../support/fake-registry.ts";
import { startRegistry } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, testWith } from "../../support/tool.ts";
import { bakery, indexOf, layoutImage, pushImage, recordOf, tagsOf } from "./rig.ts";

const withRegistry = testWith("docker-registry", "skopeo", "git");
const withGit = testWith("git");

/** Only the context of arm64 has the file that its COPY names. */
const halfBroken = {
  "hack/builder/Dockerfile": "FROM scratch\nARG ARCH\nCOPY oven-$ARCH /oven\n",
  "hack/builder/oven-amd64": "hot\n",
  "hack/builder/oven-s390x": "hot\n",
};

withGit("BAZEL_BUILDER_ARCHES_FAILED: the others are built, and the next run builds only what is missing", async () => {
  const p = await bakery({ files: halfBroken });

  const broken = await p.bt("builder-build", "VERSION=1", "-j1");
  const failed = recordOf(p);
  p.write("hack/builder/oven-arm64", "hot\n");
  const mended = await p.bt("builder-build", "VERSION=1", "-j1");

  expect(broken.exitCode).toBe(1);
  expect(broken.stdout).toContain("bt: The builder could not be built for arm64; amd64, s390x are there\n");
  expect(failed.arches.map(({ arch, status }) => `${arch} ${status}`)).toEqual([
    "amd64 built",
    "arm64 failed",
    "s390x built",
  ]);
  expect(mended.exitCode).toBe(0);
  expect([...new Set(mended.stdout.match(/builder-(?:cross-)?image:\w+/g))]).toEqual(["builder-image:arm64"]);
  expect(recordOf(p)).toMatchObject({ version: "1", arches: [{}, { arch: "arm64", status: "built" }, {}] });
});

withGit("a base without an image for a platform ends with 7, and says which platforms it has", async () => {
  const p = await bakery({ files: { "hack/builder/Dockerfile": "FROM oci:image-amd64:image\nCOPY oven /oven\n" } });
  await layoutImage("amd64", p.root);

  const result = await p.bt("builder-build", "VERSION=1", "ARCHITECTURES=amd64 s390x");

  expect(result.exitCode).toBe(7);
  expect(result.stdout).toContain("bt: The builder could not be built for s390x; amd64 is there\n");
  expect(result.stdout).toMatch(/s390x: .*amd64/);
});

withGit("BAZEL_BUILDER_CROSS_BASE: the cross image is never built on anything else", async () => {
  const p = await bakery({
    files: {
      ...halfBroken,
      "hack/builder/oven-arm64": "hot\n",
      "hack/builder/Dockerfile": "FROM scratch\nARG ARCH\nCOPY oven-$ARCH /\nCOPY for-$ARCH-only* x$ARCH /\n",
    },
  });

  const result = await p.bt("builder-build", "VERSION=1");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('The cross image of "cs9" needs the amd64 image, which was not built');
});

withGit("BAZEL_BUILDER_ENGINE: commands inside images need an engine, whatever has built them", async () => {
  const smoke = 'smoke: () => [["/oven"]]';
  const p = await bakery({ options: `variants: { cs9: { image: "builder", context: "hack/builder", ${smoke} } }` });
  p.write("tools/readme", "");
  fs.symlinkSync((await run("which", ["git"])).trim(), join(p.root, "tools/git"));

  const result = await p.btWith({ env: { PATH: join(p.root, "tools") } }, "builder-build", "VERSION=1");

  expect(result.exitCode).toBe(2);
  expect(result.stdout).toContain("Commands inside an image need buildah or podman, and there is neither");
  expect(result.stdout).toContain("buildah is not in PATH; podman is not in PATH");
});

withRegistry("a registry without TLS that is not loopback gets nothing, unless TLS_VERIFY says no", async () => {
  const { host, port } = await startRegistry();
  // An address of this machine that is not one of loopback.
  const words = ["builder-publish", "VERSION=1", `DOCKER_PREFIX=0.0.0.0:${port}/kv`];
  const p = await bakery();

  const refused = await p.bt(...words);
  const left = await tagsOf(host, "kv/builder");
  const allowed = await p.btWith({ env: { TLS_VERIFY: "false" } }, ...words);

  expect(refused.exitCode).toBe(7);
  expect(refused.stdout).toContain(`bt: 0.0.0.0:${port} does not speak https\n`);
  expect(refused.stdout).toContain("Or set TLS_VERIFY=false.");
  expect(left).toEqual([]);
  expect(allowed.exitCode).toBe(0);
  expect(await tagsOf(host, "kv/builder")).toContain("1");
});

const faults: readonly (readonly [string, Fault])[] = [
  ["500", 500],
  ["401", 401],
  ["a broken connection", "cut"],
];

withRegistry.for(faults)(
  "with %s on a blob there is no index, the exit code is 7, and the next run completes it",
  async ([, fault]) => {
    const { host } = await startRegistry();
    let isBroken = true;
    const proxy = await startSpoiler(host, ({ method = "", url = "" }) =>
      isBroken && /PUT|PATCH/.test(method) && url.includes("/blobs/uploads/") ? fault : undefined,
    );
    const p = await bakery();
    const values = [`DOCKER_PREFIX=${proxy.host}/kv`, "VERSION=1", "ARCHITECTURES=s390x"];

    const broken = await p.bt("builder-publish", ...values);
    const tags = await tagsOf(host, "kv/builder");
    isBroken = false;
    const mended = await p.bt("builder-publish", ...values);

    expect([broken.exitCode, tags]).toEqual([7, []]);
    expect(mended.exitCode).toBe(0);
    expect(await tagsOf(host, "kv/builder")).toEqual(["1", "1-s390x"]);
  },
);

withRegistry("a tag that stands for something else is neither verified nor moved, unless FORCE says so", async () => {
  const { host } = await startRegistry();
  await pushImage(`${host}/kv/builder:1-arm64`, "amd64", await temporaryFolder());
  const p = await bakery();
  const values = [`DOCKER_PREFIX=${host}/kv`, "VERSION=1"];

  const verified = await p.bt("builder-verify", ...values);
  const published = await p.bt("builder-publish", ...values);
  const tags = await tagsOf(host, "kv/builder");
  const forced = await p.bt("builder-publish", ...values, "FORCE=yes");

  expect(verified.exitCode).toBe(6);
  expect(verified.stdout).toContain(`${host}/kv/builder:1-arm64: arm64 was expected, and it is for amd64`);
  expect(published.exitCode).toBe(7);
  expect(tags).toEqual(["1-arm64"]);
  expect(forced.exitCode).toBe(0);
  expect(Object.keys(await indexOf(`${host}/kv/builder:1`))).toEqual(["amd64", "arm64", "s390x"]);
});

withRegistry("BAZEL_BUILDER_NOT_VERIFIED names tag, architecture, what was expected and what is there", async () => {
  const { host } = await startRegistry();
  const p = await bakery();
  const values = [`DOCKER_PREFIX=${host}/kv`, "VERSION=1"];
  await p.bt("builder-publish", ...values);
  const { arches } = recordOf(p);
  await pushImage(`${host}/kv/builder:1-s390x`, "s390x", await temporaryFolder());

  const result = await p.bt("builder-verify", ...values);

  expect(result.exitCode).toBe(6);
  const expected = arches.find(({ arch }) => arch === "s390x")?.digest;
  expect(result.stdout).toMatch(
    new RegExp(`${host}/kv/builder:1-s390x, s390x: ${expected} was expected, and sha256:[0-9a-f]{64} is there`),
  );
});

withRegistry("a version that others have published is proven by platforms and configs", async () => {
  const { host } = await startRegistry();
  const [here, elsewhere] = [await bakery(), await bakery()];
  await elsewhere.bt("builder-publish", `DOCKER_PREFIX=${host}/kv`, "VERSION=1", "ARCHITECTURES=amd64 s390x");

  const same = await here.bt("builder-verify", `DOCKER_PREFIX=${host}/kv`, "VERSION=1", "ARCHITECTURES=s390x amd64");
  const more = await here.bt("builder-verify", `DOCKER_PREFIX=${host}/kv`, "VERSION=1");

  expect([same.exitCode, more.exitCode]).toEqual([0, 6]);
  expect(more.stdout).toContain("misses arm64");
});

withGit("BAZEL_BUILDER_VERSION: without VERSION and a build there is nothing to verify", async () => {
  const p = await bakery();

  const result = await p.bt("builder-verify");

  expect(result.stdout).toContain('No VERSION is given, and no builder "cs9" was built here');
});

withRegistry("a version that nobody has published is not in the registry", async () => {
  const { host } = await startRegistry();
  const p = await bakery();

  const result = await p.bt("builder-verify", `DOCKER_PREFIX=${host}/kv`, "VERSION=1");

  expect(result.exitCode).toBe(6);
  expect(result.stdout).toContain(`bt: ${host}/kv/builder:1 is not in the registry\n`);
});

withGit("BAZEL_BUILDER_RECORD: a record that is no JSON is named", async () => {
  const p = await bakery({ files: { "_out/builder/cs9/builder.json": "{" } });

  const result = await p.bt("builder-verify");

  expect(result.stdout).toContain('The record "_out/builder/cs9/builder.json" cannot be read');
});
