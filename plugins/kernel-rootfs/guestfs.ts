/** Images by libguestfs: the command lines of little-vm-helper. For images with a boot loader; needs an appliance. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { guestArguments } from "./action.ts";
import { defaultSize, findVmlinuz, type Image } from "./forest.ts";
import { imageDir, treeFile } from "./places.ts";
import type { RootfsImage } from "./result.ts";
import { changesOf, debootstrap, targetOf, valuesOf } from "./rootfs-step.ts";
import type { Shop } from "./shop.ts";
import { writeWhole } from "./tree.ts";

const extlinux = [
  "default linux",
  "timeout 0",
  "",
  "label linux",
  "kernel /vmlinuz",
  "append initrd=initrd.img root=/dev/vda rw console=ttyS0",
  "",
].join("\n");

export async function makeGuestfsImage(context: Context, shop: Shop, image: Image): Promise<RootfsImage> {
  const { root, isDryRun, exec } = context;
  const file = path.join(imageDir(shop, targetOf(context)), image.name);
  const env = guestfsEnvironment();
  await writeWhole(context, file, async (partial) => {
    if (image.parent === undefined) await makeRootDisk(context, shop, { image, partial, env });
    else await makeChildDisk(context, shop, { image, partial, env });
    const place = changesOf(context, shop, image).place;
    const vmlinuzOf = (dir: string): string => (isDryRun ? "vmlinuz-VERSION" : (findVmlinuz(dir)[0] ?? ""));
    const args = image.actions.flatMap((action) => guestArguments(action, { ...place, vmlinuzOf }));
    const packages =
      image.parent === undefined || image.packages.length === 0 ? [] : ["--install", image.packages.join(",")];
    if (packages.length > 0) await exec("virt-customize", ["-a", partial, ...packages], { env });
    if (args.length > 0) await exec("virt-customize", ["-a", partial, ...args], { env, cwd: shop.dataDir });
  });
  const bytes = await writeWhole(context, `${file}.zst`, async (partial) => {
    await exec("zstd", ["-q", "-f", "-T0", "-o", partial, path.join(root, file)]);
  });
  return { file: `${file}.zst`, bytes, size: image.size ?? defaultSize };
}

interface Disk {
  readonly image: Image;
  /** Absolute; a name in a dry run. */
  readonly partial: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The guests of libguestfs itself run where a guest can run: without an answer about KVM, without KVM. */
function guestfsEnvironment(): Readonly<Record<string, string>> {
  const { LIBGUESTFS_BACKEND = "direct", LIBGUESTFS_BACKEND_SETTINGS = "force_tcg" } = process.env;
  return { LIBGUESTFS_BACKEND, LIBGUESTFS_BACKEND_SETTINGS };
}

async function makeRootDisk(context: Context, shop: Shop, { image, partial, env }: Disk): Promise<void> {
  const { exec, isDryRun, root } = context;
  const folder = isDryRun ? "/tmp/bt" : await context.tempDir();
  const tar = treeFile(shop, targetOf(context), `${image.name}.bootstrap`);
  await debootstrap(context, shop, { ...image, bootable: isBootable(context, image) }, tar);
  const raw = image.format === "raw" ? partial : path.join(folder, "disk.img");
  const fill = ["mount", "/dev/vda", "/", ":", "tar-in", path.join(root, tar), "/"];
  const size = image.size ?? defaultSize;
  if (isBootable(context, image)) {
    if (!isDryRun) fs.writeFileSync(path.join(folder, "extlinux.conf"), extlinux);
    const parts = ["part-disk", "/dev/vda", "mbr", ":", "part-set-bootable", "/dev/vda", "1", "true", ":"];
    const boot = [":", "extlinux", "/", ":", "copy-in", path.join(folder, "extlinux.conf"), "/"];
    await exec(
      "guestfish",
      ["-N", `${raw}=disk:${size}`, "--", ...parts, "mkfs", "ext4", "/dev/vda", ":", ...fill, ...boot],
      { env },
    );
  } else
    await exec("guestfish", ["-N", `${raw}=disk:${size}`, "--", "mkfs", "ext4", "/dev/vda", ":", ...fill], { env });
  if (image.format === "qcow2") await exec("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, partial]);
}

function isBootable(context: Context, { bootable }: Image): boolean {
  return bootable ?? valuesOf(context).targetArch === "amd64";
}

async function makeChildDisk(context: Context, shop: Shop, { image, partial, env }: Disk): Promise<void> {
  const { exec, root } = context;
  const parent = image.parent ?? "";
  const folder = image.hasExternalParent ? path.join(shop.dataDir, "images") : imageDir(shop, targetOf(context));
  const format = parent.endsWith(".qcow2") ? "qcow2" : "raw";
  await exec("qemu-img", ["convert", "-f", format, "-O", image.format, path.join(root, folder, parent), partial]);
  if (image.size === undefined) return;
  await exec("qemu-img", ["resize", partial, image.size]);
  await exec("guestfish", ["-a", partial, "--", "run", ":", "resize2fs", "/dev/vda"], { env });
}
