/**
 * The backends libguestfs and lvh around programs that only write down how they are called. What lvh calls was recorded from
 * the real one (commit 67b5159); where an lvh is installed, it is compared with the recording. Real disks of libguestfs are
 * made in slow.test.ts.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../support/project.ts";
import { run } from "../../support/tool.ts";
import { actions as others, builderfileWith, family, installKernel, nothingRan, stub, told } from "./rig.ts";

const actions = [...others, installKernel];

const images = [
  { name: "base.qcow2", bootable: true, image_size: "64M", packages: ["less", "jq"], actions: [] },
  { name: "child.qcow2", parent: "base.qcow2", image_size: "1G", packages: ["vim", "tmux"], actions },
  { name: "plain.img", parent: "child.qcow2" },
];

/** What `lvh images build --dir D --pkg-repo bookworm` calls for these images; `D/` and `TMP/` stand for its folders. */
const recorded = [
  "mmdebstrap bookworm --include linux-image-amd64,less,jq D/images/base.qcow2.tar",
  "guestfish -N RAW=disk:64M -- part-disk /dev/vda mbr : part-set-bootable /dev/vda 1 true : mkfs ext4 /dev/vda : mount /dev/vda / : tar-in D/images/base.qcow2.tar / : extlinux / : copy-in TMP/extlinux.conf /",
  "qemu-img convert -f raw -O qcow2 RAW D/images/base.qcow2",
  "qemu-img convert -f qcow2 -O qcow2 D/images/base.qcow2 D/images/child.qcow2",
  "qemu-img resize D/images/child.qcow2 1G",
  "guestfish -a D/images/child.qcow2 -- run : resize2fs /dev/vda",
  "virt-customize -a D/images/child.qcow2 --install vim,tmux",
  "virt-customize -a D/images/child.qcow2 --run-command echo one > /etc/one; rm -f /usr/share/doc/*/copyright --mkdir /opt/a/b --copy-in boot strap:/opt --upload init:/sbin/init --chmod 0750:/sbin/init --append-line /etc/one:PATH=/bin:$HOME:a=b 'c' --link /etc/one:/opt/one --hostname oven --tar-in more.tar:/opt --copy-in D/k/boot:/ --copy-in D/k/lib/modules:/lib/ --link /boot/vmlinuz-6.1:/vmlinuz",
  "qemu-img convert -f qcow2 -O raw D/images/child.qcow2 D/images/plain.img",
];

/** A kernel that comes without a ramdisk must not be booted with that of another: little-vm-helper leaves it there. */
const initrdLine = / --run-command if \[ -e \/boot\/initrd\.img-6\.1 \]; .*?; fi/;

const lower = ["mmdebstrap", "guestfish", "virt-customize", "qemu-img"];

/** Makes the files that the real programs would make. */
const make = `for last; do :; done
case "$(basename "$0")" in guestfish | virt-customize) touch "$TMPDIR/left.$$" ;; esac
case "$(basename "$0") $*" in
  unshare*) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
  mmdebstrap* | "qemu-img convert"*) echo disk > "$last" ;;
  "guestfish -N"*) echo disk > "\${2%%=disk:*}" ;;
  zstd*) cp "$last" "$5" ;;
esac`;

async function oven(more = ""): Promise<Project> {
  return await family({
    "builderfile.ts": builderfileWith(`pkgRepo: "bookworm", kernels: [], flavors: {}, ${more}`),
    "_data/images.json": JSON.stringify(images),
    "_data/init": "",
    "_data/more.tar": "",
    "_data/boot strap/go.sh": "",
    "_data/k/boot/vmlinuz-6.1": "",
  });
}

/** Calls with the names of temporary files replaced, and without what bt says to mmdebstrap in words of its own. */
function comparable(p: Project, calls: readonly string[]): readonly string[] {
  return calls
    .filter((line) => lower.some((name) => line.startsWith(`${name} `)))
    .map((line) =>
      line
        .replaceAll(`${p.root}/_data/`, "D/")
        .replaceAll(/\.partial\b/g, "")
        .replaceAll(/\/\S*\/(?:extlinux-\d+|bt-\w+)\/extlinux\.conf/g, "TMP/extlinux.conf")
        .replaceAll(/\/\S*\/disk\.img|D\/images\/base\.qcow2(?==disk:)|D\/images\/base\.qcow2\.img/g, "RAW")
        .replace(/^mmdebstrap --format=tar --architectures=amd64 --include=(\S+) (\S+)/, "mmdebstrap $2 --include $1"),
    );
}

const isAmd64 = process.arch === "x64";
const noProbe = { LIBGUESTFS_BACKEND_SETTINGS: "force_tcg" };

test.runIf(isAmd64)("with libguestfs the programs are called as little-vm-helper calls them", async () => {
  const p = await oven();
  const { env, calls } = stub(p, [...lower, "unshare", "zstd"], make);

  const TMPDIR = path.join(p.root, "tmp");
  fs.mkdirSync(TMPDIR);

  const result = await p.btWith(
    { env: { ...env, ...noProbe, TMPDIR } },
    "rootfs:plain.img",
    "ROOTFS_BACKEND=libguestfs",
  );

  expect(result.exitCode, told(result)).toBe(0);
  expect(fs.readdirSync(TMPDIR)).toEqual([]);
  const called = comparable(p, calls());
  expect(called.filter((line) => initrdLine.test(line))).toHaveLength(1);
  expect(called.map((line) => line.replace(initrdLine, ""))).toEqual(recorded);
  expect(fs.readdirSync(path.join(p.root, "_data/images")).sort()).toEqual(
    images.flatMap(({ name }) => [name, `${name}.zst`]).sort(),
  );
});

const hasLvh = spawnSync("which", ["lvh"]).status === 0;

test.runIf(isAmd64 && hasLvh)("lvh, if there is one, calls what was recorded, by itself and as a backend", async () => {
  const p = await oven();
  const { env, calls } = stub(p, [...lower, "zstd"], make);
  const words = ["images", "build", "--dir", "_data", "--pkg-repo", "bookworm"];
  fs.mkdirSync(path.join(p.root, "_data/images"));
  await run("sh", ["-c", `cd "$1" && shift && exec lvh "$@"`, "sh", p.root, ...words], env);
  const alone = calls();
  fs.rmSync(path.join(p.root, "_data/images"), { recursive: true });

  const result = await p.btWith({ env: { ...env, ...noProbe } }, "rootfs:plain.img", "ROOTFS_BACKEND=lvh");

  expect(result.exitCode, told(result)).toBe(0);
  expect(comparable(p, alone)).toEqual(recorded);
  const backend = comparable(p, calls().slice(alone.length))
    .map((line) =>
      line.replaceAll(/D\/images\/\S+?\.lvh\/images\//g, "D/images/").replaceAll(/D\/(?=boot strap|init:|more)/g, ""),
    )
    .map((line) => line.replaceAll(/D\/images\/base\.qcow2(?==disk:)|D\/images\/base\.qcow2\.img/g, "RAW"));
  expect(backend.map((line) => line.replace(initrdLine, ""))).toEqual(recorded);
  expect(backend.filter((line) => initrdLine.test(line))).toHaveLength(1);
});

/** An lvh that keeps what it was given, and makes the image it was asked for (not the real one). */
const lvh = `case "$(basename "$0")" in
  lvh) cp "$4/images.json" "$4/../given-$6.json"; ls "$4/images" >> "$4/../parents"; echo disk > "$4/images/$6" ;;
  zstd) for last; do :; done; cp "$last" "$5" ;;
esac`;

test("with lvh each image is one call, with its parent beside it and all of this machine by its whole path", async () => {
  const p = await oven();
  const { env, calls } = stub(p, ["lvh", ...lower, "zstd"], lvh);

  const result = await p.btWith({ env: { ...env, ...noProbe } }, "rootfs:child.qcow2", "ROOTFS_BACKEND=lvh");
  const again = await p.btWith({ env: { ...env, ...noProbe } }, "rootfs:child.qcow2", "ROOTFS_BACKEND=lvh");

  expect(result.exitCode, told(result)).toBe(0);
  expect(again.stdout).toContain("Nothing to do");
  const at = `${p.root}/_data/images`;
  expect(calls().filter((line) => line.startsWith("lvh "))).toEqual(
    ["base.qcow2", "child.qcow2"].map(
      (name) => `lvh images build --dir ${at}/${name}.partial.lvh --image ${name} --pkg-repo bookworm`,
    ),
  );
  expect(p.read("_data/images/parents")).toBe("base.qcow2\n");
  const [given] = JSON.parse(p.read("_data/images/given-child.qcow2.json")) as [(typeof images)[1]];
  expect(given).toMatchObject({ name: "child.qcow2", parent: "base.qcow2", image_size: "1G" });
  const kept = new Set(["run-command", "mkdir", "chmod", "append-line", "link", "set-hostname"]);
  expect(given?.actions?.slice(0, 9).filter(({ type }) => kept.has(type))).toEqual(
    actions.filter(({ type }) => kept.has(type)),
  );
  const data = path.join(p.root, "_data");
  expect(given?.actions?.map(({ op }) => Object.values(op)[0])).toEqual(
    expect.arrayContaining(["boot strap", "init", "more.tar", "k"].map((name) => path.join(data, name))),
  );
});

test("an lvh that makes nothing fails the task, and leaves nothing behind", async () => {
  const p = await oven();
  const { env } = stub(p, ["lvh", ...lower, "zstd"]);

  const result = await p.btWith({ env: { ...env, ...noProbe } }, "rootfs:base.qcow2", "ROOTFS_BACKEND=lvh");

  expect(result.exitCode).toBe(1);
  expect(told(result)).toContain(`"base.qcow2" is damaged: lvh has not made it`);
  expect(fs.readdirSync(path.join(p.root, "_data/images"))).toEqual([]);
});

test.for([
  ["lvh", "rootfs:base.qcow2", `"lvh", which does not know \`debian.variant\``],
  ["lvh", "rootfs:base.qcow2 TARGET_ARCH=FOREIGN", `"lvh", which makes images for`],
  ["libguestfs", "rootfs:base.qcow2 TARGET_ARCH=FOREIGN", `"libguestfs", which makes images for`],
  ["libguestfs", "rootfs:customize:base.qcow2", `"libguestfs", which makes an image in one step`],
] as const)("KERNEL_ROOTFS_BACKEND: %s %s", async ([backend, words, problem]) => {
  const p = await oven(`debian: { variant: "minbase" },`);
  const foreign = isAmd64 ? "arm64" : "amd64";

  const result = await p.bt(...words.replace("FOREIGN", foreign).split(" "), `ROOTFS_BACKEND=${backend}`);

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toContain(`ROOTFS_BACKEND is ${problem}`);
});

test("KERNEL_ROOTFS_TOOL_MISSING: a missing lvh is told with the command that installs it", async () => {
  const p = await oven();
  const { env } = stub(p, lower);

  const result = await p.btWith(
    { env: { PATH: `${env["PATH"]?.split(":")[0]}:${path.dirname(process.execPath)}` } },
    "rootfs:base.qcow2",
    "ROOTFS_BACKEND=lvh",
  );

  expect(result).toMatchObject(nothingRan);
  expect(told(result)).toContain("go install github.com/cilium/little-vm-helper/cmd/lvh@latest");
});

test("a kernel is installed into a disk of libguestfs by its own programs", async () => {
  const p = await oven();
  const { env, calls } = stub(p, [...lower, "unshare", "zstd"], make);
  const words = ["IMAGE=base.qcow2", "KERNEL=_data/k", "ROOTFS_BACKEND=libguestfs"];

  const result = await p.btWith({ env: { ...env, ...noProbe } }, "rootfs:install-kernel", ...words);

  expect(result.exitCode, told(result)).toBe(0);
  expect(
    comparable(p, calls())
      .slice(-2)
      .map((line) => line.replace(initrdLine, "")),
  ).toEqual([
    "qemu-img convert -f qcow2 -O qcow2 D/images/base.qcow2 D/images/base_k.qcow2",
    "virt-customize -a D/images/base_k.qcow2 --copy-in D/k/boot:/ --copy-in D/k/lib/modules:/lib/ --link /boot/vmlinuz-6.1:/vmlinuz --hostname base-k",
  ]);
});
