/** What a guest in a test is made of: Debian's small kernel, kept between runs, and a ramdisk that mounts the disk. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { run } from "../../support/tool.ts";

/** Unpacked packages and kernels that were built; its own folder, so that nobody waits for the same download twice. */
export const kept: string = path.join(os.tmpdir(), "bt-test-kept");

/** A folder with `boot/vmlinuz-*` and `lib/modules/` of Debian's kernel for virtual machines. */
export async function debianKernel(): Promise<string> {
  const target = path.join(kept, "cloud-kernel");
  if (fs.existsSync(target)) return target;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-test-"));
  try {
    const depends = await run("apt-cache", ["depends", "linux-image-cloud-amd64"]).catch(() => "");
    const isListed = /linux-image-\S+-cloud-amd64/.test(depends);
    if (!isListed) await run("apt-get", ["update", "-qq"]);
    const listed = isListed ? depends : await run("apt-cache", ["depends", "linux-image-cloud-amd64"]);
    const [name = ""] = /linux-image-\d\S+-cloud-amd64/.exec(listed) ?? [];
    await run("sh", ["-c", `cd "$1" && apt-get download "$2" && dpkg-deb -x *.deb files`, "sh", folder, name]);
    fs.mkdirSync(kept, { recursive: true });
    fs.cpSync(path.join(folder, "files"), `${target}.${process.pid}`, { recursive: true });
    fs.renameSync(`${target}.${process.pid}`, target);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return target;
}

/** Packages of the small image in these tests: one that boots to a shell. */
export const helloPackages: readonly string[] = ["busybox-static", "dash", "coreutils", "tar"];

/**
 * A program `unshare` that hands out an earlier run's tar where mmdebstrap would be started for {@link helloPackages}, and is the
 * real one otherwise. That mmdebstrap itself is right is tested once, in rootfs.test.ts.
 */
export async function keptBootstrap(): Promise<string> {
  const target = path.join(kept, "hello-bookworm.tar");
  if (!fs.existsSync(target)) {
    fs.mkdirSync(kept, { recursive: true });
    const partial = `${target}.${process.pid}`;
    const words = ["--variant=extract", "--format=tar", `--include=${helloPackages.join(",")}`, "bookworm", partial];
    await run("unshare", ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", "mmdebstrap", ...words]);
    fs.renameSync(partial, target);
  }
  const real = (await run("which", ["unshare"])).trim();
  return `for last; do :; done
case "$*" in *" mmdebstrap "*) cp "${target}" "$last" ;; *) exec ${real} "$@" ;; esac`;
}

/** Modules that Debian's kernel needs to see a disk of qemu, each after those it needs. */
const modules = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk"];

/** Writes a ramdisk with this busybox (static) that mounts /dev/vda and starts its /sbin/init. */
export async function writeRamdisk(file: string, kernel: string, busybox: string): Promise<void> {
  const tree = fs.mkdtempSync(path.join(os.tmpdir(), "bt-test-"));
  try {
    for (const name of ["bin", "dev", "root", "m"]) fs.mkdirSync(path.join(tree, name));
    fs.copyFileSync(busybox, path.join(tree, "bin/busybox"));
    fs.chmodSync(path.join(tree, "bin/busybox"), 0o755);
    const all = fs.readdirSync(path.join(kernel, "lib/modules"), { recursive: true }).map(String);
    for (const name of modules) {
      const found = all.find((one) => path.basename(one) === `${name}.ko`) ?? "";
      fs.copyFileSync(path.join(kernel, "lib/modules", found), path.join(tree, "m", `${name}.ko`));
    }
    const lines = [
      "#!/bin/busybox sh",
      ...modules.map((name) => `/bin/busybox insmod /m/${name}.ko`),
      "/bin/busybox mount -t devtmpfs none /dev",
      "/bin/busybox mount -t ext4 /dev/vda /root",
      "/bin/busybox mount --move /dev /root/dev",
      "exec /bin/busybox chroot /root /sbin/init",
    ];
    fs.writeFileSync(path.join(tree, "init"), `${lines.join("\n")}\n`, { mode: 0o755 });
    await run("sh", ["-c", `cd "$1" && find . | cpio --quiet -o -H newc > "$2"`, "sh", tree, file]);
  } finally {
    fs.rmSync(tree, { recursive: true, force: true });
  }
}
