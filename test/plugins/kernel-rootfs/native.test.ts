/** Native mode of the Makefile's tasks and a release, with a real registry: joins of architectures, tags that move together. The kernels are files, not built. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";
import { helloPackages, keptBootstrap } from "./guest.ts";
import { builderfileWith, family, stub, told, valuesOf } from "./rig.ts";

/** Stands for the kernel's make: makes the files that its targets would make. */
const make = `o=$(printf '%s\\n' "$@" | sed -n s/^O=//p)
case "$*" in *defconfig*) touch "$o/.config";; *dir-pkg*) mkdir -p "$o/tar-install/boot" "$o/tar-install/lib/modules/6.1.0" "$o/include/config"
echo 6.1.0 > "$o/include/config/kernel.release"; printf '%s\\n' "$*" | sed 's/.*ARCH=//' > "$o/tar-install/boot/vmlinuz-6.1.0"; : > "$o/tar-install/lib/modules/6.1.0/modules.dep";; esac`;

/** One kernel from a folder, one small image. */
async function oven(host: string, bootstrap = `exec false`): Promise<{ p: Project; env: Record<string, string> }> {
  const p = await family({
    "linux/Makefile": "",
    "linux/scripts/config": "#!/bin/sh\nexit 0\n",
    "_data/images.json": JSON.stringify([
      {
        name: "hello.qcow2",
        bootable: false,
        image_size: "64M",
        packages: helloPackages,
      },
    ]),
    "builderfile.ts": builderfileWith(`
      mode: "native",
      pkgRepo: "bookworm",
      kernels: [{ name: "6.1", source: localDir({ path: "linux" }) }],
      flavors: { kind: { base: "hello.qcow2", arches: ["amd64", "arm64"] } },
      debian: { variant: "extract" },
    `).replace("quay.io/lvh-images", host),
  });
  fs.chmodSync(path.join(p.root, "linux/scripts/config"), 0o755);
  stub(p, ["unshare"], bootstrap);
  return { p, env: stub(p, ["make", "gcc", "flex", "bison", "bc", "aarch64-linux-gnu-gcc"], make).env };
}

/** Of a Chrome trace: microseconds. */
interface Span {
  readonly name: string;
  readonly cat?: string;
  readonly ts: number;
  readonly dur?: number;
}

interface Manifest {
  readonly manifests: readonly { readonly platform: { readonly architecture: string } }[];
}

const inspect = async (reference: string): Promise<Manifest> =>
  JSON.parse(await run("skopeo", ["inspect", "--tls-verify=false", "--raw", `docker://${reference}`])) as Manifest;

testWith("docker-registry", "skopeo")(
  "kernel-images packs each architecture, joins them under one tag and is up to date the next time",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const { p, env } = await oven(host);
    const words = ["kernel-images:6.1", "TARGET_ARCH=amd64 arm64", "PUSH=1"];

    const result = await p.btWith({ env }, "--json", ...words);
    const again = await p.btWith({ env }, ...words);

    expect(result.exitCode, told(result)).toBe(0);
    expect(again.stdout).toContain("Nothing to do");
    const reference = `${host}/kernel-images-ci:6.1`;
    expect(valuesOf(result)["kernel-images:6.1"]).toMatchObject({ ref: reference });
    expect((await inspect(reference)).manifests.map(({ platform }) => platform.architecture).sort()).toEqual([
      "amd64",
      "arm64",
    ]);
    const copy = path.join(p.root, "copy");
    await run("skopeo", [
      "copy",
      "-q",
      "--src-tls-verify=false",
      "--override-arch",
      "arm64",
      `docker://${reference}`,
      `dir:${copy}`,
    ]);
    const layer = fs.readdirSync(copy).find(
      (name) =>
        /^[0-9a-f]{64}$/.test(name) &&
        fs
          .readFileSync(path.join(copy, name))
          .subarray(0, 2)
          .equals(Buffer.from([0x1f, 0x8b])),
    );
    const names = (await run("tar", ["-tzf", path.join(copy, layer ?? "")])).split("\n");
    expect(names).toContain("data/kernels/6.1/boot/vmlinuz-6.1.0");
    expect(names).toContain("data/kernels/6.1/lib/modules/6.1.0/modules.dep");
    const config = JSON.parse(await run("skopeo", ["inspect", "--config", `dir:${copy}`])) as {
      config: { Cmd: string[] };
    };
    expect(config.config.Cmd).toHaveLength(1);
  },
);

test("bt --doctor lists what the steps of a kernel start", async () => {
  const { p } = await oven("registry.example");

  const { stdout } = await p.bt("--doctor");

  for (const tool of ["make", "gcc", "flex", "bison", "bc"]) expect(stdout).toMatch(new RegExp(`^ +\\S ${tool} `, "m"));
});

/** Says that it has begun, and waits for the other: neither can end before both have begun. */
const meet = (own: string, other: string): string => `touch "${own}"; until [ -e "${other}" ]; do sleep 0.05; done`;

test("a root filesystem is made while a kernel compiles, as the trace shows (both only wait for each other)", async () => {
  const { p } = await oven("registry.example");
  const [kernel, rootfs] = ["kernel", "rootfs"].map((name) => path.join(p.root, `${name}-has-begun`)) as [
    string,
    string,
  ];
  const { env } = stub(p, ["make"], `case "$*" in *modules*) ${meet(kernel, rootfs)};; esac\n${make}`);
  stub(p, ["unshare"], `${meet(rootfs, kernel)}; for last; do :; done; echo tar > "$last"`);
  const words = ["kernel:build:6.1", "rootfs:bootstrap:hello.qcow2", "TARGET_ARCH=amd64"];

  const result = await p.btWith({ env }, "-j2", "--trace", "trace.json", ...words);

  expect(result.exitCode, told(result)).toBe(0);
  const spans = JSON.parse(p.read("trace.json")) as readonly Span[];
  const [build, bootstrap] = ["kernel:build:6.1", "rootfs:bootstrap:hello.qcow2"].map((task) =>
    spans.find(({ name, cat }) => name === task && cat === "ran")!,
  ) as [Required<Span>, Required<Span>];
  expect(build.ts).toBeLessThan(bootstrap.ts + bootstrap.dur);
  expect(bootstrap.ts).toBeLessThan(build.ts + build.dur);
});

testWith(
  "docker-registry",
  "skopeo",
  "mmdebstrap",
  "qemu-img",
)(
  "a flavor has the kernel in its base; a release gives it names, all at once (packages of an earlier run)",
  { timeout: 600_000 },
  async () => {
    const { host } = await startRegistry();
    const { p, env } = await oven(host, await keptBootstrap());
    const built = await p.btWith({ env }, "kind", "TARGET_ARCH=amd64", "PUSH=1");
    expect(built.exitCode, told(built)).toBe(0);
    expect(p.exists("_data/images/kind_6.1.qcow2.zst")).toBe(true);
    const tag = "20260101.000000";
    const copy = async (to: string): Promise<string> =>
      run("skopeo", [
        "copy",
        "-q",
        "--all",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        `docker://${host}/kind-ci:6.1`,
        `docker://${host}/kind-ci:${to}`,
      ]);
    await copy(`6.1-${tag}-amd64`);
    p.write("versions/kind/amd64/6.1", `${tag}-amd64\n`);

    const result = await p.bt("ci:release", "NAME=main");

    expect(result.exitCode, told(result)).toBe(0);
    for (const name of ["6.1-main-amd64", `6.1-${tag}-amd64`, "6.1-main", `6.1-${tag}`])
      expect((await inspect(`${host}/kind:${name}`)).manifests.map(({ platform }) => platform.architecture)).toEqual([
        "amd64",
      ]);

    p.write("versions/root-builder/amd64", `${tag}-amd64\n`);
    const broken = await p.bt("ci:release", "NAME=v1.0.0");

    expect(broken.exitCode).toBe(1);
    await expect(inspect(`${host}/kind:6.1-v1.0.0`)).rejects.toThrow("manifest unknown");
  },
);
