/**
 * Real kernels and disks: the example from nothing to a guest, options that a kernel does not grant, an arm64 kernel that was
 * cross-built, an arm64 root filesystem that was configured here, and disks of libguestfs with a boot loader. Minutes, so only with BT_SLOW_TESTS=1; sources and objects are kept below the temporary folder.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { describe, expect } from "vitest";
import { marker, renderProbe } from "../../../plugins/kernel-rootfs/probe-init.ts";
import { project, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, slow, slowTestWhere, slowTestWith } from "../../support/tool.ts";
import { kept } from "./guest.ts";
import { told, valuesOf } from "./rig.ts";

const slowTest = slowTestWith("make", "gcc", "flex", "bison", "bc", "mmdebstrap", "qemu-system-x86_64");
const armTest = slowTestWith("aarch64-linux-gnu-gcc", "qemu-system-aarch64", "cpio", "mke2fs");
const armRootTest = slowTestWith(
  "aarch64-linux-gnu-gcc",
  "qemu-system-aarch64",
  "qemu-aarch64-static",
  "mmdebstrap",
  "qemu-img",
);
const guestfsTest = slowTestWhere("guestfish");
const limit = { timeout: 3_600_000 };

/** The example in a folder that stays, and bt run in it. */
async function example(): Promise<Project> {
  fs.mkdirSync(path.join(kept, "lvh-images"), { recursive: true });
  const root = fs.realpathSync(path.join(kept, "lvh-images")); // It may be a link to where there is room.
  fs.cpSync(path.join(import.meta.dirname, "../../../examples/lvh-images"), root, { recursive: true });
  const p = await project({});
  const bt = async (...argv: string[]): ReturnType<Project["bt"]> =>
    p.btWith({ cwd: path.relative(p.root, root) }, ...argv);
  return {
    ...p,
    root,
    bt,
    write: (file, text) => fs.writeFileSync(path.join(root, file), text),
    read: (file) => fs.readFileSync(path.join(root, file), "utf8"),
  };
}

/** Names in the layers of a published image. */
async function filesOf(folder: string, reference: string): Promise<readonly string[]> {
  const copy = path.join(folder, ".copy");
  fs.rmSync(copy, { recursive: true, force: true });
  await run("skopeo", ["copy", "-q", "--src-tls-verify=false", `docker://${reference}`, `dir:${copy}`]);
  const { layers } = JSON.parse(fs.readFileSync(path.join(copy, "manifest.json"), "utf8")) as {
    layers: { digest: string }[];
  };
  const names = layers.map(async ({ digest }) => run("tar", ["-tf", path.join(copy, digest.replace("sha256:", ""))]));
  return (await Promise.all(names)).flatMap((text) => text.split("\n"));
}

describe(slow, () => {
  slowTest(
    "bt prove goes from nothing to a guest that says its kernel version; the kernel is pulled back from a registry",
    limit,
    async () => {
      const { host } = await startRegistry();
      const p = await example();

      const proved = await p.bt("prove");
      const again = await p.bt("kernel:build:tiny", "rootfs:pack:hello.qcow2");
      const pushed = await p.bt("kernel-images:tiny", `OCIORG=${host}`, "PUSH=1");

      expect(proved.exitCode, told(proved)).toBe(0);
      expect(proved.stdout).toMatch(/hello from Linux 6\.1\.\d+ on x86_64 after/);
      expect(again.stdout).toContain("Nothing to do");
      expect(pushed.exitCode, told(pushed)).toBe(0);
      const layers = JSON.parse(
        await run("skopeo", ["inspect", "--tls-verify=false", `docker://${host}/kernel-images-ci:tiny`]),
      ) as { Labels: Record<string, string> };
      const release = layers.Labels["org.opencontainers.image.version"];
      expect(release).toMatch(/^6\.1\.\d+$/);
      expect(await filesOf(p.root, `${host}/kernel-images-ci:tiny`)).toContain(
        `data/kernels/tiny/boot/vmlinuz-${release}`,
      );
    },
  );

  slowTest("a changed option builds that kernel again", limit, async () => {
    const p = await example();
    await p.bt("kernel:build:tiny");
    const json = p.read("_data/kernels.json");
    p.write("_data/kernels.json", json.replace(`"opts": [`, `"opts": [["--enable", "IKCONFIG"],`));

    const built = await p.bt("kernel:build:tiny");

    expect(built.exitCode, told(built)).toBe(0);
    expect(built.stdout).toMatch(/kernel:build:tiny (in|\()/);
    expect(p.read("_data/kernels/out/tiny/amd64/.config")).toContain("CONFIG_IKCONFIG=y\n");
  });

  slowTest(
    "options that the kernel does not grant are named, whatever they are called, and a changed list configures again",
    limit,
    async () => {
      const p = await example();
      const json = p.read("_data/kernels.json");
      const more = `["--enable", "CONFIG_NO_SUCH_THING"], ["--module", "CONFIG_PROC_FS"], ["--enable", "SYSFS"],`;
      p.write("_data/kernels.json", json.replace(`"opts": [`, `"opts": [${more}`));

      const strict = await p.bt("kernel:configure:tiny");
      p.write(
        "builderfile.ts",
        p
          .read("builderfile.ts")
          .replace("flavors:", `configAllow: { tiny: ["NO_SUCH_THING", "PROC_FS"] },\n  flavors:`),
      );
      const allowed = await p.bt("--json", "kernel:configure:tiny");

      expect(strict.exitCode).toBe(1);
      expect(told(strict)).toMatch(/2 options of kernel "tiny"/);
      expect(told(strict)).toContain("CONFIG_NO_SUCH_THING: wanted y, the kernel does not have it");
      expect(told(strict)).toContain("CONFIG_PROC_FS: wanted m, is y");
      expect(allowed.exitCode, told(allowed)).toBe(0);
      expect(valuesOf(allowed)["kernel:configure:tiny"]).toMatchObject({
        unapplied: [expect.anything(), expect.anything()],
      });
    },
  );

  armRootTest(
    "a root filesystem of arm64 is configured by its own programs, and boots with a kernel that was cross-built",
    limit,
    async () => {
      const p = await example();
      const json = p.read("_data/images.json");
      p.write("_data/images.json", json.replace(`"64M"`, `"1G"`));
      p.write("builderfile.ts", p.read("builderfile.ts").replace(`"extract"`, `"essential"`));
      fs.rmSync(path.join(p.root, "_data/images"), { recursive: true, force: true });

      const words = ["KERNEL=tiny-arm64", "QEMU_ARCH=arm64", "EXPECT=hello from Linux .* on aarch64", "TIMEOUT=300"];
      const result = await p.bt("vm:check", "IMAGE=hello.qcow2", ...words);

      expect(result.exitCode, told(result)).toBe(0);
      const tar = path.join(p.root, "_data/images/bookworm-arm64/tree/hello.qcow2.tar");
      const status = await run("tar", ["-xOf", tar, "./var/lib/dpkg/status"]);
      const states = new Set([...status.matchAll(/^Status: (.*)$/gm)].map(([, state]) => state));
      expect([...states]).toEqual(["install ok installed"]);
      expect(status).toMatch(/^Package: dash\n(?:.*\n)*?Architecture: arm64$/m);
    },
  );

  guestfsTest(
    "a disk of libguestfs boots to a login by its own loader, and boots a kernel without a ramdisk that is installed later",
    limit,
    async () => {
      const p = await example();
      const kernel = await p.bt("kernel:build:tiny");
      const base = { name: "base.qcow2", bootable: true, image_size: "2G", packages: [], actions: [] };
      p.write("_data/images.json", JSON.stringify([base]));
      p.write("builderfile.ts", p.read("builderfile.ts").replace(/ {2}(flavors|debian):.*\n/g, ""));
      const words = ["ROOTFS_BACKEND=libguestfs", "LIBGUESTFS_BACKEND_SETTINGS=force_tcg"];

      const login = await p.bt("vm:check", "IMAGE=base.qcow2", "LEVEL=login", "TIMEOUT=900", "ACCEL=tcg", ...words);
      const installed = await p.bt(
        "rootfs:install-kernel",
        "IMAGE=base.qcow2",
        "KERNEL=tiny",
        "OUT=tiny.qcow2",
        ...words,
      );
      const tiny = await p.bt("--json", "vm:check", "IMAGE=tiny.qcow2", "TIMEOUT=300", "ACCEL=tcg");

      expect(kernel.exitCode, told(kernel)).toBe(0);
      expect(login.exitCode, told(login)).toBe(0);
      expect(installed.exitCode, told(installed)).toBe(0);
      expect(tiny.exitCode, told(tiny)).toBe(0);
      const release = p.read("_data/kernels/out/tiny/amd64/include/config/kernel.release").trim();
      expect(valuesOf(tiny)["vm:check"]).toMatchObject({ kernel: release });
    },
  );

  armTest("a kernel that was cross-built for arm64 boots from a disk", limit, async () => {
    const p = await example();
    const tree = path.join(p.root, "tree");
    fs.rmSync(tree, { recursive: true, force: true });
    for (const name of ["dev", "proc"]) fs.mkdirSync(path.join(tree, name), { recursive: true });
    fs.writeFileSync(path.join(p.root, "probe"), renderProbe("arm64"));
    await run("sh", ["-c", `cd "$1/tree" && cpio --quiet -i init < ../probe`, "sh", p.root]);
    fs.rmSync(path.join(p.root, "disk.img"), { force: true });
    await run("mke2fs", [
      "-q",
      "-t",
      "ext4",
      "-O",
      "^metadata_csum_seed,^orphan_file",
      "-d",
      tree,
      path.join(p.root, "disk.img"),
      "32M",
    ]);

    const result = await p.bt(
      "vm:check",
      "IMAGE=disk.img",
      "KERNEL=tiny-arm64",
      "QEMU_ARCH=arm64",
      "APPEND=init=/init",
      `EXPECT=${marker}`,
      "TIMEOUT=120",
    );

    expect(result.exitCode, told(result)).toBe(0);
    expect(result.stdout).toContain(marker);
  });
});
