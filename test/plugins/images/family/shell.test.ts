/** Programs of another architecture, in an image of it, with the real buildah and qemu; programs come from Debian's archive. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { afterAll, expect } from "vitest";
import type { Result } from "../../../support/project.ts";
import { run, testWith } from "../../../support/tool.ts";
import { builderfile, familyProject, ownBuildah, type FamilyProject } from "./rig.ts";

const tools = ["buildah", "mmdebstrap", "qemu-s390x-static", "unshare", "setpriv", "tar"];
const testForeign = testWith(...tools);

interface Kitchen extends FamilyProject {
  readonly buildah: string;
  readonly make: (...argv: string[]) => Promise<Result>;
}

const folder = path.join(os.tmpdir(), `bt-busybox-${process.pid}`);
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Version 1 has a shell for s390x, version 2 also runs a program while it is built. */
async function kitchen(): Promise<Kitchen> {
  const table = `{ "1": { platforms: ["linux/s390x"] }, "2": { platforms: ["linux/s390x", "linux/amd64"] } }`;
  const p = await familyProject({
    "builderfile.ts": builderfile(table),
    "docker/oven_1.Dockerfile": "FROM scratch\nCOPY bin /bin\n",
    "docker/oven_2.Dockerfile": `FROM scratch\nCOPY bin /bin\nRUN ["/bin/busybox", "touch", "/made"]\n`,
  });
  fs.mkdirSync(path.join(p.root, "docker/bin"));
  fs.copyFileSync(await busybox(), path.join(p.root, "docker/bin/busybox"));
  fs.symlinkSync("busybox", path.join(p.root, "docker/bin/sh"));
  const buildah = ownBuildah(p);
  const env = { CONTAINER_CLI: buildah, BUILDAH_ISOLATION: "chroot" };
  return { ...p, buildah, make: (...argv) => p.btWith({ env }, ...argv) };
}

/** Debian's, for s390x; fetched once for all tests of this file. */
async function busybox(): Promise<string> {
  const file = path.join(folder, "bin/busybox");
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(folder, { recursive: true });
  const tree = path.join(folder, "tree.tar");
  const options = ["--quiet", "--arch=s390x", "--variant=extract", "--include=busybox-static"];
  await run("mmdebstrap", [...options, "bookworm", tree]);
  await run("tar", ["-x", "-f", tree, "-C", folder, "./bin/busybox"]);
  return file;
}

testForeign(
  "a command runs in an image of another architecture, and the machine's own table stays as it is",
  async () => {
    const p = await kitchen();
    const table = "/proc/sys/fs/binfmt_misc";
    const before = fs.readdirSync(table);

    const result = await p.make("oven_1:run", "ARCH=s390x", "CMD=/bin/busybox uname -m");

    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).toMatch(/^s390x$/m);
    expect(fs.readdirSync(table)).toEqual(before);
    expect(await run(p.buildah, ["containers", "-q"])).toBe("");
  },
);

testForeign("the command's exit code is bt's, and the container is gone", async () => {
  const p = await kitchen();

  const result = await p.make("oven_1:run", "ARCH=s390x", "CMD=exit 7 > /dev/null");

  expect(result.exitCode).toBe(7);
  expect(await run(p.buildah, ["containers", "-q"])).toBe("");
});

testForeign("the build context is at /src, and cannot be written", async () => {
  const p = await kitchen();

  const read = await p.make("oven_1:run", "ARCH=s390x", "CMD=/bin/busybox cat /src/scripts/mix.sh");
  const written = await p.make("oven_1:run", "ARCH=s390x", "CMD=/bin/busybox touch /src/new");

  expect(read.stdout).toContain("echo mix");
  expect(written.stdout).toContain("Read-only file system");
});

testForeign("without emulation, exec format error is explained", async () => {
  const p = await kitchen();

  const result = await p.make("oven_1:run", "ARCH=s390x", "CMD=/bin/busybox uname -m", "EMULATION=none");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: exec format error: this machine cannot run programs of s390x by itself\n");
  expect(result.stdout).toContain("fix  Leave EMULATION at auto: qemu-user-static runs them.\n");
});

testForeign("a build without emulation explains exec format error as well", async () => {
  const p = await kitchen();

  const result = await p.make("oven_2_multi", "PLATFORMS=linux/s390x", "EMULATION=none");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain("bt: exec format error: this machine cannot run programs of another architecture");
});

testForeign("a build that runs foreign programs has a namespace of its own", async () => {
  const p = await kitchen();

  const result = await p.make("oven_2_multi", "PLATFORMS=linux/s390x", "EMULATION=userns");

  expect(result.exitCode, result.stdout).toBe(0);
  const list = JSON.parse(await run(p.buildah, ["manifest", "inspect", "quay.io/bakery/oven:2"])) as {
    manifests: { platform: { architecture: string } }[];
  };
  expect(list.manifests.map(({ platform }) => platform.architecture)).toEqual(["s390x"]);
});

testForeign("an image given with IMAGE that is of another architecture is refused", async () => {
  const p = await kitchen();
  await p.make("oven_1:run", "ARCH=s390x", "CMD=/bin/busybox true");
  const name =
    (await run(p.buildah, ["images", "--format", "{{.Name}}:{{.Tag}}"]))
      .split("\n")
      .find((one) => one.includes("s390x")) ?? "";
  await run(p.buildah, ["tag", name, "localhost/foreign:1"]);

  const result = await p.make("oven_1:run", "ARCH=amd64", "CMD=/bin/busybox true", "IMAGE=localhost/foreign:1");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('bt: "localhost/foreign:1" is for linux/s390x, and linux/amd64 was asked for\n');
});
