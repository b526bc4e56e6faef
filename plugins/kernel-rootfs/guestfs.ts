/** Images by libguestfs: the command lines of little-vm-helper. For images with a boot loader; needs an appliance. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { chooseAccel } from "./accel.ts";
import { guestArguments } from "./action.ts";
import { defaultSize, findVmlinuz, type Image } from "./forest.ts";
import { hostArch } from "./params.ts";
import { imageDir } from "./places.ts";
import { changesOf, debootstrap, targetOf, valuesOf } from "./rootfs-step.ts";
import type { Shop } from "./shop.ts";
import { diskTools, needTools } from "./tools.ts";

/** A disk that is made in one step, without a folder of its files. */
export interface WholeDisk {
  readonly image: Image;
  /** Disk of its parent, absolute. Absent: a root image. */
  readonly parent?: string;
  /** Where to make it: absolute; relative to the root in a dry run. */
  readonly partial: string;
}

const extlinux = [
  "default linux",
  "timeout 0",
  "",
  "label linux",
  "kernel /vmlinuz",
  "append initrd=initrd.img root=/dev/vda rw console=ttyS0",
  "",
].join("\n");

export async function makeGuestfsDisk(context: Context, shop: Shop, disk: WholeDisk): Promise<void> {
  const { isDryRun, exec } = context;
  const { image, parent, partial } = disk;
  needTools(context, ...diskTools.libguestfs);
  const env = await guestfsEnvironment(context, shop);
  if (parent === undefined) await makeRootDisk(context, shop, { ...disk, env });
  else await makeChildDisk(context, { image, partial, env, parent });
  const place = changesOf(context, shop, image).place;
  const vmlinuzOf = (dir: string): string => (isDryRun ? "vmlinuz-VERSION" : (findVmlinuz(dir)[0] ?? ""));
  const args = image.actions.flatMap((action) => guestArguments(action, { ...place, vmlinuzOf }));
  const packages = parent === undefined || image.packages.length === 0 ? [] : ["--install", image.packages.join(",")];
  if (packages.length > 0) await exec("virt-customize", ["-a", partial, ...packages], { env });
  if (args.length > 0) await exec("virt-customize", ["-a", partial, ...args], { env, cwd: shop.dataDir });
}

type Environment = Readonly<Record<string, string>>;

/** The guests of libguestfs run where a guest can run: without KVM, unless it has proved itself with this machine's own kernel. */
export async function guestfsEnvironment(context: Context, shop: Shop): Promise<Environment> {
  const { libguestfsBackend: backend = "direct", libguestfsBackendSettings: settings } = valuesOf(context);
  const { TMPDIR: temporary = "/var/tmp", LIBGUESTFS_CACHEDIR: cache = temporary } = process.env;
  // Its guests' files end with the task, however it ends; the appliance that it makes once is kept where it always is.
  const places = context.isDryRun ? {} : { TMPDIR: await context.tempDir(), LIBGUESTFS_CACHEDIR: cache };
  const env = { LIBGUESTFS_BACKEND: backend, ...places };
  if (settings !== undefined) return { ...env, LIBGUESTFS_BACKEND_SETTINGS: settings };
  const { accel: asked = "auto", accelProbeSeconds: seconds = 10 } = shop.options;
  const accel = await chooseAccel(context, { asked, arch: hostArch(), kernel: undefined, seconds });
  return accel === "kvm" ? env : { ...env, LIBGUESTFS_BACKEND_SETTINGS: "force_tcg" };
}

async function makeRootDisk(
  context: Context,
  shop: Shop,
  { image, partial, env }: WholeDisk & { readonly env: Environment },
): Promise<void> {
  const { exec, isDryRun, root } = context;
  const folder = isDryRun ? "/tmp/bt" : await context.tempDir();
  const tar = path.join(imageDir(shop, targetOf(context)), `${image.name}.tar`);
  const hasLoader = isBootable(context, image);
  await debootstrap(context, shop, { ...image, bootable: hasLoader }, tar);
  if (!isDryRun) context.defer(() => fs.rmSync(path.join(root, tar), { force: true }));
  const raw = image.format === "raw" ? partial : path.join(folder, "disk.img");
  const fill = ["mount", "/dev/vda", "/", ":", "tar-in", path.join(root, tar), "/"];
  const size = image.size ?? defaultSize;
  if (hasLoader) {
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

async function makeChildDisk(
  { exec }: Context,
  { image, partial, env, parent }: WholeDisk & { readonly env: Environment; readonly parent: string },
): Promise<void> {
  const format = parent.endsWith(".qcow2") ? "qcow2" : "raw";
  await exec("qemu-img", ["convert", "-f", format, "-O", image.format, parent, partial]);
  if (image.size === undefined) return;
  await exec("qemu-img", ["resize", partial, image.size]);
  await exec("guestfish", ["-a", partial, "--", "run", ":", "resize2fs", "/dev/vda"], { env });
}
