/** Root filesystems from the Debian mirror, with the real tools: packages, actions, disks, registry and back, and a guest. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, type Project } from "../../support/project.ts";
import { startRegistry } from "../../support/registry.ts";
import { run, testWith } from "../../support/tool.ts";
import { debianKernel, helloPackages, kept, keptBootstrap, writeRamdisk } from "./guest.ts";
import { actions, builderfileWith, family, installKernel, stub, told } from "./rig.ts";

const tools = ["mmdebstrap", "mke2fs", "qemu-img", "zstd", "unshare"];

const init = `#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
echo "hello from Linux $(/bin/busybox uname -r)"
/bin/busybox poweroff -f
`;

const options = `
  pkgRepo: "bookworm",
  mode: "native",
  kernels: [],
  flavors: {},
  debian: { variant: "extract" },
`;

const hello = {
  name: "hello.qcow2",
  bootable: false,
  image_size: "64M",
  packages: helloPackages,
};

async function oven(images: readonly object[], more = ""): Promise<Project> {
  const p = await family({
    "builderfile.ts": builderfileWith(`${options}${more}`),
    "_data/images.json": JSON.stringify(images),
    "_data/init": init,
    "_data/boot strap/go.sh": "go\n",
    "_data/more/x": "more\n",
  });
  execFileSync("tar", ["-C", path.join(p.root, "_data/more"), "-cf", path.join(p.root, "_data/more.tar"), "x"]);
  return p;
}

testWith(
  ...tools,
  "docker-registry",
  "qemu-system-x86_64",
  "cpio",
)(
  "from packages to a guest: ancestors first, all actions, a kernel in it, qcow2, registry and back, and uname of that kernel",
  { timeout: 600_000 },
  async () => {
    const registry = await startRegistry();
    const child = {
      name: "child.qcow2",
      parent: "hello.qcow2",
      actions: [{ type: "run-command", op: { Cmd: "cat /etc/one > /etc/two" } }],
    };
    const parent = { ...hello, image_size: "128M", actions: [...actions, installKernel] };
    const p = await oven([child, parent]);
    const release = await writeKernel(p);

    const built = await p.bt("rootfs:child.qcow2");

    expect(built.exitCode, told(built)).toBe(0);
    const tree = path.join(p.root, "tree");
    fs.mkdirSync(tree);
    const tar = path.join(p.root, "_data/images/tree/child.qcow2.tar");
    await run("tar", ["-C", tree, "-xf", tar, "./etc", "./opt"]);
    const read = (name: string): string => fs.readFileSync(path.join(tree, name), "utf8");
    expect(read("etc/two")).toBe("one\nPATH=/bin:$HOME:a=b 'c'\n");
    expect(read("etc/hostname")).toBe("oven\n");
    const listed = await run("tar", ["-tvf", tar, "--numeric-owner"]);
    expect(listed).toMatch(/^drwx\S+ 0\/0 .* \.\/opt\/a\/b\/$/m);
    expect(listed).toMatch(/^-rwxr-x--- 0\/0 .* \.\/s?bin\/init$|^-rwxr-x--- 0\/0 .* \.\/usr\/sbin\/init$/m);
    expect(listed).toMatch(/\.\/opt\/one -> \/etc\/one$/m);
    expect(listed).toMatch(/^-rw\S+ 0\/0 .* \.\/opt\/boot strap\/go\.sh$/m);
    expect(listed).toContain("./opt/x");
    expect(listed).not.toMatch(/policy-rc|\.bt$/m);
    const info = JSON.parse(
      await run("qemu-img", ["info", "--output=json", path.join(p.root, "_data/images/child.qcow2")]),
    ) as Record<string, unknown>;
    expect(info).toMatchObject({ format: "qcow2", "virtual-size": 128 * 1024 * 1024 });
    expect((await p.bt("rootfs:child.qcow2")).stdout).toContain("Nothing to do");

    const pushed = await p.btWith({ env: { OCIORG: registry.host } }, "root-images", "PUSH=1");
    expect(pushed.exitCode, told(pushed)).toBe(0);
    for (const made of [".bt", "_data"]) fs.rmSync(path.join(p.root, made), { recursive: true });
    p.write("_data/images.json", "[]");

    const image = `IMAGE=${registry.host}/root-images-ci:main-bookworm`;
    const checked = await p.bt("vm:check", image, "EXPECT=hello from Linux .*", "ACCEL=tcg");

    expect(checked.exitCode, told(checked)).toBe(0);
    expect(checked.stdout).toContain(`hello from Linux ${release}`);
  },
);

/** Writes Debian's kernel with a ramdisk of its own to `_data/k`; its release. */
async function writeKernel(p: Project): Promise<string> {
  const kernel = await debianKernel();
  await keptBootstrap();
  const packages = path.join(kept, "hello-bookworm.tar");
  await run("tar", ["-C", p.root, "-xf", packages, "--wildcards", "*bin/busybox"]);
  const names = fs.readdirSync(p.root, { recursive: true }).map(String);
  const busybox = names.find((name) => /^(usr\/)?bin\/busybox$/.test(name)) ?? "";
  const [release = ""] = fs.readdirSync(path.join(kernel, "lib/modules"));
  p.write(`_data/k/lib/modules/${release}/modules.dep`, "");
  fs.mkdirSync(path.join(p.root, "_data/k/boot"));
  fs.copyFileSync(path.join(kernel, `boot/vmlinuz-${release}`), path.join(p.root, `_data/k/boot/vmlinuz-${release}`));
  const ramdisk = path.join(p.root, `_data/k/boot/initrd.img-${release}`);
  await writeRamdisk(ramdisk, kernel, path.join(p.root, busybox));
  return release;
}

testWith(...tools)(
  "rootfs:install-kernel puts kernel, modules and link into a child, and drops a foreign ramdisk (packages of an earlier run)",
  { timeout: 600_000 },
  async () => {
    const line = "mkdir -p /boot; touch /boot/initrd.img-other; ln -s boot/initrd.img-other /initrd.img";
    const p = await oven([{ ...hello, actions: [{ type: "run-command", op: { Cmd: line } }] }]);
    const { env } = stub(p, ["unshare"], await keptBootstrap());
    p.write("_data/k/boot/vmlinuz-9.9.9", "kernel");
    p.write("_data/k/boot/config-9.9.9", "config");
    p.write("_data/k/lib/modules/9.9.9/modules.dep", "");

    const result = await p.btWith({ env }, "rootfs:install-kernel", "IMAGE=hello.qcow2", "KERNEL=_data/k");

    expect(result.exitCode, told(result)).toBe(0);
    expect(result.stdout).toContain("initrd.img belonged to another kernel and is gone");
    expect(p.read("_data/images/hello_k.qcow2.vmlinuz")).toBe("kernel");
    expect(p.exists("_data/images/hello_k.qcow2.initrd")).toBe(false);
    const disk = path.join(p.root, "disk.img");
    await run("qemu-img", ["convert", "-O", "raw", path.join(p.root, "_data/images/hello_k.qcow2"), disk]);
    const inside = async (command: string): Promise<string> => run("debugfs", ["-R", command, disk]);
    expect(await inside("stat /vmlinuz")).toContain(`"boot/vmlinuz-9.9.9"`);
    expect(await inside("cat /etc/hostname")).toBe("hello-k\n");
    expect(await inside("ls /lib/modules/9.9.9")).toContain("modules.dep");

    p.write("_data/k2/boot/vmlinuz-10.0.0", "newer");
    const words = ["IMAGE=_data/images/hello_k.qcow2", "KERNEL=_data/k2", "OUT=newer.qcow2"];
    const again = await p.bt("rootfs:install-kernel", ...words);

    expect(again.exitCode, told(again)).toBe(0);
    expect(p.read("newer.qcow2.vmlinuz")).toBe("newer");
  },
);

test("KERNEL_ROOTFS_ROOT_NEEDED: native mode says when it may not own the files", async () => {
  const p = await oven([hello]);
  p.write("k/boot/vmlinuz-1", "");
  p.write("x.qcow2", "");
  const open = (folder: string): void => fs.chmodSync(path.join(p.root, folder), 0o777);
  open(".");
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, program];

  const result = await p.btWith({ program: asNobody }, "rootfs:install-kernel", "IMAGE=x.qcow2", "KERNEL=k");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain("Files of other owners can only be made by root");
});

/** The architecture that this machine is not, and what its `uname -m` says. */
const foreign = process.arch === "arm64" ? { arch: "amd64", machine: "x86_64" } : { arch: "arm64", machine: "aarch64" };

/** Mounts that a task of this test has left. */
function leftMounts(folder: string): readonly string[] {
  const mounts = fs.readFileSync("/proc/mounts", "utf8").split("\n");
  return mounts.filter((line) => line.includes(folder));
}

testWith(...tools)(
  "SIGINT during mmdebstrap ends it with its mounts, and leaves no half-written file",
  { timeout: 600_000 },
  async () => {
    const p = await oven([hello]);
    const temporary = path.join(p.root, "tmp");
    fs.mkdirSync(temporary);
    const running = p.start({ env: { TMPDIR: temporary } }, "rootfs:bootstrap:hello.qcow2");
    const isBusy = (): boolean =>
      fs
        .readdirSync(temporary, { recursive: true })
        .some((name) => /mmdebstrap\.\w+\/var\/lib\/apt$/.test(String(name)));
    await expect.poll(isBusy, { timeout: 120_000 }).toBe(true);

    running.child.kill("SIGINT");

    expect((await running.ended).signal).toBe("SIGINT");
    expect(fs.readdirSync(temporary)).toEqual([]);
    const made = path.join(p.root, "_data/images/tree");
    expect(fs.existsSync(made) ? fs.readdirSync(made) : []).toEqual([]);
    expect(leftMounts(temporary)).toEqual([]);
  },
);

testWith(...tools, "qemu-aarch64-static")(
  "a foreign root filesystem is made here: packages of arm64, and actions that are run by programs of arm64",
  { timeout: 600_000 },
  async () => {
    const line = "uname -m > /etc/machine";
    const p = await oven([{ ...hello, actions: [...actions, { type: "run-command", op: { Cmd: line } }] }]);

    const result = await p.bt("rootfs:pack:hello.qcow2", `TARGET_ARCH=${foreign.arch}`);

    expect(result.exitCode, told(result)).toBe(0);
    const images = path.join(p.root, `_data/images/bookworm-${foreign.arch}`);
    const read = async (name: string): Promise<string> =>
      run("tar", ["-xOf", path.join(images, "tree/hello.qcow2.tar"), name]);
    expect(await read("./etc/machine")).toBe(`${foreign.machine}\n`);
    expect(await read("./etc/hostname")).toBe("oven\n");
    expect(fs.readdirSync(images).sort()).toEqual(["hello.qcow2", "hello.qcow2.zst", "tree"]);
    expect(leftMounts(p.root)).toEqual([]);
  },
);

testWith("mke2fs")(
  "KERNEL_ROOTFS_DISK_SMALL: files that do not fit are told with the size (mmdebstrap is a tar)",
  async () => {
    const p = await oven([{ ...hello, image_size: "1M" }]);
    const { env } = stub(p, ["unshare"], `for last; do :; done; tar -C "${p.root}" -cf "$last" etc`);
    p.write("etc/big", "x".repeat(2_000_000));

    const result = await p.btWith({ env }, "rootfs:pack:hello.qcow2");

    expect(result.exitCode, told(result)).toBe(1);
    expect(told(result)).toContain(`The files of "rootfs:pack:hello.qcow2" do not fit on a disk of 1M`);
    expect(fs.readdirSync(path.join(p.root, "_data/images"))).toEqual(["tree"]);
  },
);

testWith(...tools)("KERNEL_ROOTFS_MIRROR: a mirror that cannot be reached is named", async () => {
  const p = await oven([hello]);
  p.write(
    "builderfile.ts",
    p.read("builderfile.ts").replace(`variant: "extract"`, `variant: "extract", mirror: "http://127.0.0.1:9/debian"`),
  );

  const result = await p.bt("rootfs:bootstrap:hello.qcow2");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`The Debian mirror "http://127.0.0.1:9/debian" cannot be reached`);
});

test("KERNEL_ROOTFS_MIRROR_STALE: a mirror that nobody has updated is told as that (mmdebstrap only says so)", async () => {
  const p = await oven([hello]);
  const said = "E: Release file for http://mirror.test/debian/dists/sid/InRelease is expired (invalid since 15d).";
  const { env } = stub(p, ["unshare"], `echo "${said}" >&2; exit 25`);

  const result = await p.btWith({ env }, "rootfs:bootstrap:hello.qcow2");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain("Mmdebstrap's own mirror is out of date");
});

test("KERNEL_ROOTFS_DISK_FULL: no space left is told as that, and no half-written file stays (mmdebstrap only says so)", async () => {
  const p = await oven([hello]);
  const { env } = stub(
    p,
    ["unshare"],
    `for last; do :; done; echo part > "$last"; echo "tar: write error: No space left on device" >&2; exit 2`,
  );

  const result = await p.btWith({ env }, "rootfs:bootstrap:hello.qcow2");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`There is no space left for what "rootfs:bootstrap:hello.qcow2" writes`);
  expect(fs.readdirSync(path.join(p.root, "_data/images/tree"))).toEqual([]);
});

test("a project's own type of action is a shell line; WITH_CHILDREN adds what is made from an image", async () => {
  const own = { name: "child.qcow2", parent: "hello.qcow2", actions: [{ type: "greet", op: { Name: "oven" } }] };
  const p = await oven([hello, own], `extend: { actionTypes: { greet: ({ Name }) => "echo hello " + Name } },`);

  const alone = await p.bt("-n", "rootfs:hello.qcow2");
  const result = await p.bt("-n", "rootfs:hello.qcow2", "WITH_CHILDREN=1");

  expect(alone.stdout).not.toContain("child.qcow2");
  expect(result.stdout).toContain("rootfs:pack:child.qcow2");
  expect(result.stdout).toMatch(/ 'echo hello oven' sh$/m);
});

test("with libguestfs the commands are those of little-vm-helper, actions in the order of the file", async () => {
  const child = {
    name: "child.qcow2",
    parent: "hello.qcow2",
    image_size: "1G",
    packages: ["jq", "vim"],
    actions: [...actions, installKernel],
  };
  const p = await oven([{ ...hello, bootable: true }, child]);
  p.write("_data/k/boot/vmlinuz-6.1", "");

  const result = await p.bt("-n", "rootfs:child.qcow2", "ROOTFS_BACKEND=libguestfs", "TARGET_ARCH=amd64");

  expect(result.exitCode, told(result)).toBe(0);
  const programs = /^ {2}\$ (?:.* -- )?((?:mmdebstrap|guestfish|qemu-img|virt-customize) .*)$/;
  const shown = result.stdout.replaceAll(p.root, "ROOT").split("\n");
  const quoted = `'/etc/one:PATH=/bin:$HOME:a=b '\\''c'\\'''`;
  expect(shown.flatMap((line) => programs.exec(line)?.[1] ?? [])).toEqual([
    "mmdebstrap --variant=extract --format=tar --architectures=amd64 --include=linux-image-amd64,busybox-static,dash,coreutils,tar bookworm _data/images/hello.qcow2.tar.partial",
    "guestfish -N /tmp/bt/disk.img=disk:64M -- part-disk /dev/vda mbr : part-set-bootable /dev/vda 1 true : mkfs ext4 /dev/vda : mount /dev/vda / : tar-in ROOT/_data/images/hello.qcow2.tar / : extlinux / : copy-in /tmp/bt/extlinux.conf /",
    "qemu-img convert -f raw -O qcow2 /tmp/bt/disk.img _data/images/hello.qcow2.partial",
    "qemu-img convert -f qcow2 -O qcow2 ROOT/_data/images/hello.qcow2 _data/images/child.qcow2.partial",
    "qemu-img resize _data/images/child.qcow2.partial 1G",
    "guestfish -a _data/images/child.qcow2.partial -- run : resize2fs /dev/vda",
    "virt-customize -a _data/images/child.qcow2.partial --install jq,vim",
    `virt-customize -a _data/images/child.qcow2.partial --run-command 'echo one > /etc/one; rm -f /usr/share/doc/*/copyright' --mkdir /opt/a/b --copy-in 'boot strap:/opt' --upload init:/sbin/init --chmod 0750:/sbin/init --append-line ${quoted} --link /etc/one:/opt/one --hostname oven --tar-in more.tar:/opt --copy-in ROOT/_data/k/boot:/ --copy-in ROOT/_data/k/lib/modules:/lib/ --link /boot/vmlinuz-VERSION:/vmlinuz --run-command 'if [ -e /boot/initrd.img-VERSION ]; then ln -sfn boot/initrd.img-VERSION /initrd.img; else rm -f /initrd.img; [ ! -e /extlinux.conf ] || sed -i '\\''s/initrd=initrd.img //'\\'' /extlinux.conf; fi'`,
  ]);
});
