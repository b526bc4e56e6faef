/** The tasks of the Makefile: same names, same variables, same commands; failures are told. The engine is a program that only writes down its arguments, except where buildah builds. */
import { expect, onTestFinished, test } from "vitest";
import { run, testWith } from "../../support/tool.ts";
import { builderfileWith, family, kernelsJson, nothingRan, stub, told } from "./rig.ts";

const image = "quay.io/lvh-images";

test("bt -n kind prints the commands of the Makefile, in the order of its graph, and starts nothing", async () => {
  const p = await family();
  const { env, calls } = stub(p, ["docker"], "exit 1");

  const result = await p.btWith({ env }, "-n", "kind", "KERNEL_VERSIONS=a b");

  const commands = result.stdout.split("\n").filter((line) => line.startsWith("  $ "));
  const build = "  $ docker build";
  const kernel = (name: string): string =>
    `${build} --no-cache --build-arg KERNEL_BUILDER_TAG=main --build-arg KERNEL_VER=${name} --platform=linux/amd64 -f dockerfiles/kernel-images -t ${image}/kernel-images-ci:${name} .`;
  const kind = (name: string, root: string): string =>
    `${build} --no-cache --build-arg KERNEL_VER=${name} --build-arg KERNEL_IMAGE_TAG=${name} --build-arg ROOT_BUILDER_TAG=main --build-arg ROOT_IMAGES_TAG=${root} -f dockerfiles/kind-images -t ${image}/kind-ci:${name} .`;
  expect(commands.toSorted()).toEqual(
    [
      `${build} -f dockerfiles/kernel-builder -t ${image}/kernel-builder-ci:main .`,
      `${build} -f dockerfiles/root-builder -t ${image}/root-builder-ci:main .`,
      kernel("a"),
      kernel("b"),
      `${build} -f dockerfiles/root-images --build-arg ROOT_BUILDER_TAG=main -t ${image}/root-images-ci:main .`,
      `${build} -f dockerfiles/root-images --build-arg ROOT_BUILDER_TAG=main --build-arg PKG_REPO=bookworm -t ${image}/root-images-ci:main-bookworm .`,
      kind("a", "main"),
      kind("b", "main-bookworm"),
    ].toSorted(),
  );
  expect(commands.indexOf(kernel("a"))).toBeLessThan(commands.indexOf(kind("a", "main")));
  expect(calls()).toEqual([]);
});

test.for(["a", "b", "c"])("a kernel that fails fails the run, wherever it stands: %s", async (bad) => {
  const p = await family();
  const { env, calls } = stub(p, ["docker"], `case "$*" in *KERNEL_VER=${bad}*) exit 3;; esac`);

  const result = await p.btWith({ env }, "-k", "kernel-images");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`kernel-images:${bad}`);
  expect(calls().filter((line) => line.includes("KERNEL_VER")).length).toBe(3);
});

testWith("buildah")("buildah builds what it can, and bt names the dockerfile that it cannot build", async () => {
  const p = await family({
    "dockerfiles/kernel-images": "FROM scratch\nARG KERNEL_VER\nCOPY ${KERNEL_VER} /\n",
    a: "",
    c: "",
  });
  const name = `localhost/bt-kernel-test-${process.pid}`;
  const env = { BUILDAH_ISOLATION: "chroot", DOCKER: "buildah", OCIORG: name };
  const kept = async (): Promise<readonly string[]> => {
    const all = await run("buildah", ["images", "--format", "{{.Name}}:{{.Tag}}"]);
    return all
      .split("\n")
      .filter((line) => line.startsWith(name))
      .sort();
  };
  onTestFinished(async () => void (await run("buildah", ["rmi", "--force", ...(await kept())])));

  const result = await p.btWith({ env }, "-k", "kernel-images");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain("1 failed");
  expect(told(result)).toMatch(/COPY b|"b"|\/b/);
  const made = ["kernel-builder-ci:main", "kernel-images-ci:a", "kernel-images-ci:c"];
  expect(await kept()).toEqual(made.map((one) => `${name}/${one}`));
});

test("images is root-images; it takes the packages of sid unless PKG_REPO says otherwise", async () => {
  const p = await family();
  const { env, calls } = stub(p, ["docker"]);

  await p.btWith({ env }, "images", "PKG_REPO=bookworm");

  expect(calls().at(-1)).toContain(`PKG_REPO=bookworm -t ${image}/root-images-ci:main-bookworm .`);
});

test("a value on the command line beats the environment, which beats the builderfile", async () => {
  const p = await family({
    "builderfile.ts": builderfileWith(`registry: "quay.io/file",`).replace(`registry: "quay.io/lvh-images",`, ""),
  });
  const tag = async (env: Record<string, string>, ...argv: string[]): Promise<string> =>
    / -t (\S+)/.exec((await p.btWith({ env }, "-n", "kernel-builder", ...argv)).stdout)?.[1] ?? "";

  expect(await tag({})).toBe("quay.io/file/kernel-builder-ci:main");
  expect(await tag({ OCIORG: "quay.io/env" })).toBe("quay.io/env/kernel-builder-ci:main");
  expect(await tag({ OCIORG: "quay.io/env" }, "OCIORG=quay.io/word")).toBe("quay.io/word/kernel-builder-ci:main");
  expect(await tag({ OCIORG: "quay.io/env" }, "OCIORG=")).toBe("quay.io/env/kernel-builder-ci:main");
  expect(await tag({ KERNEL_BUILDER: "own/name" }, "KERNEL_BUILDER_TAG=7")).toBe("own/name:7");
});

test.for([
  ["kernel-image", /Use "kernel-images"/],
  ["kernel-images:aa", /Use "kernel-images:a"/],
  ["kernel-images KERNEL_VERSIONS=aa", /Correct KERNEL_VERSIONS|Use KERNEL_VERSIONS=a|Write "a"/],
  ["kernel-images KERNEL_VERSION=a", /Use KERNEL_VERSIONS=/],
] as const)("bt %s ends with 2 and a suggestion", async ([words, fix]) => {
  const p = await family();
  const { env, calls } = stub(p, ["docker"]);

  const result = await p.btWith({ env }, ...words.split(" "));

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toMatch(fix);
  expect(calls()).toEqual([]);
});

test("with another registry the FROM lines name it, in a copy of the dockerfile", async () => {
  const from = `ARG KERNEL_BUILDER_TAG\nFROM --platform=$BUILDPLATFORM quay.io/lvh-images/kernel-builder-ci:"\${KERNEL_BUILDER_TAG}" AS builder\nFROM busybox\n`;
  const p = await family({ "dockerfiles/kernel-images": from });
  const { env, calls } = stub(p, ["docker"]);

  await p.btWith({ env }, "kernel-images:a", "OCIORG=registry.example/lvh");

  const copy = ".bt/kernel-rootfs/dockerfiles/kernel-images-a";
  expect(calls().at(-1)).toContain(`-f ${copy} -t registry.example/lvh/kernel-images-ci:a`);
  expect(p.read(copy)).toBe(from.replace("quay.io/lvh-images", "registry.example/lvh"));
});

test("a kernel of a source rpm has its own dockerfile, platform and arguments, and no builder", async () => {
  const p = await family({
    "_data/kernels.json": kernelsJson.replace(`{ "name": "a"`, `{ "name": "rhel8", "opts": [] },\n    { "name": "a"`),
    "dockerfiles/kernel-images-rhel8": "FROM rockylinux:8\n",
    "builderfile.ts": builderfileWith(`kernels: fromLvhJson("_data/kernels.json", { overrides: {
      "rhel8.9": { config: "rhel8", source: srcRpm({ repo: "vault", ver: "8.9", kver: "4.18.0-513" }), platforms: ["linux/amd64"], dockerfile: "dockerfiles/kernel-images-rhel8", optIn: true } } }),`),
  });

  const all = await p.bt("-n", "kernel-images");
  const one = await p.bt("-n", "kernel-images:rhel8.9");

  expect(all.stdout).not.toContain("rhel");
  expect(one.stdout.split("\n").filter((line) => line.startsWith("  $ "))).toEqual([
    `  $ docker build --no-cache --build-arg KERNEL_VER=rhel8.9 --build-arg RHEL_REPO=vault --build-arg RHEL_VER=8.9 --build-arg RHEL_KVER=4.18.0-513 --platform=linux/amd64 -f dockerfiles/kernel-images-rhel8 -t ${image}/kernel-images-ci:rhel8.9 .`,
  ]);
});

test.for([
  ["given as a word", ["PKG_REPO=sid"], {}],
  ["in the environment", [], { PKG_REPO: "sid" }],
] as const)("KERNEL_ROOTFS_PKG_REPO: PKG_REPO %s cannot contradict what a kernel needs", async ([, words, env]) => {
  const p = await family();

  const result = await p.btWith({ env }, "-n", "kind:b", ...words);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`PKG_REPO is "sid", and kernel "b" takes packages of "bookworm"`);
});

test("KERNEL_ROOTFS_ENGINE_WRONG: DOCKER must be an engine", async () => {
  const p = await family();

  const result = await p.bt("kernel-builder", "DOCKER=/usr/bin/nerdctl");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain("Use docker, podman or buildah");
});

test("KERNEL_ROOTFS_HEREDOC: an engine that cannot read a heredoc is named with the line", async () => {
  const p = await family({ "dockerfiles/kernel-builder": "FROM scratch\nCOPY <<EOF /x\na\nEOF\n" });
  const { env, calls } = stub(p, ["buildah"], "echo buildah version 1.28.2");

  const result = await p.btWith({ env }, "kernel-builder", "DOCKER=buildah");

  expect(result).toMatchObject(nothingRan);
  expect(result.stderr).toContain("buildah 1.28.2 cannot read the heredoc");
  expect(result.stderr).toContain("dockerfiles/kernel-builder:2");
  expect(calls()).toEqual(["buildah --version"]);
});

test("KERNEL_ROOTFS_DOCKERFILE_MISSING: a dockerfile that is not there is named before another one is built", async () => {
  const p = await family({
    "builderfile.ts": builderfileWith(
      `kernels: fromLvhJson("_data/kernels.json", { defaults: { dockerfile: "dockerfiles/mine" } }),`,
    ),
  });

  const { env, calls } = stub(p, ["docker"]);

  const result = await p.btWith({ env }, "kernel-images:a");

  expect(result).toMatchObject(nothingRan);
  expect(result.stderr).toContain(`There is no dockerfile "dockerfiles/mine"`);
  expect(calls()).toEqual([]);
});

test("KERNEL_ROOTFS_TOOL_MISSING: an engine that is not there is named with the command that installs it", async () => {
  const p = await family();

  const result = await p.btWith({ env: { PATH: p.root } }, "kernel-images");

  expect(result).toMatchObject(nothingRan);
  expect(result.stderr).toContain("apt-get install docker.io");
});

test("a kernel in quarantine may fail: it is named, the others are built, and the run is good", async () => {
  const p = await family({
    "builderfile.ts": builderfileWith(
      `kernels: fromLvhJson("_data/kernels.json", { overrides: { b: { quarantine: true } } }),`,
    ),
  });
  const { env, calls } = stub(p, ["docker"], `case "$*" in *KERNEL_VER=b*) exit 3;; esac`);

  const result = await p.btWith({ env }, "kernel-images");

  expect(result.exitCode, told(result)).toBe(0);
  expect(told(result)).toContain("kernel-images:b");
  expect(calls().filter((line) => line.includes("KERNEL_VER")).length).toBe(3);
});
