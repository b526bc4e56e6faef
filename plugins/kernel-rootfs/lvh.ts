/** Images by little-vm-helper's own program, one at a time: the image alone in a data folder of its own, its parent beside it. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { initrdLine } from "./action.ts";
import { guestfsEnvironment, type WholeDisk } from "./guestfs.ts";
import { findVmlinuz, type Image } from "./forest.ts";
import { imageDamaged } from "./errors.ts";
import type { Action, ImgConf } from "./options.ts";
import { changesOf, targetOf } from "./rootfs-step.ts";
import type { Shop } from "./shop.ts";
import { diskTools, needTools } from "./tools.ts";

/** `lvh images build` makes an image with all its children, keeps what is there whatever has changed, and knows no other place than its folder. */
export async function makeLvhDisk(context: Context, shop: Shop, { image, parent, partial }: WholeDisk): Promise<void> {
  const { exec, isDryRun } = context;
  needTools(context, ...diskTools.lvh);
  const folder = `${partial}.lvh`; // Beside the disk, so that it can be renamed.
  const made = path.join(folder, "images", image.name);
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true });
  const words = ["images", "build", "--dir", folder, "--image", image.name, "--pkg-repo", targetOf(context).suite];
  const env = await guestfsEnvironment(context, shop);
  try {
    if (!isDryRun) {
      remove();
      fs.mkdirSync(path.dirname(made), { recursive: true });
      fs.writeFileSync(path.join(folder, "images.json"), JSON.stringify([describeImage(context, shop, image)]));
      if (parent !== undefined) fs.symlinkSync(parent, path.join(folder, "images", path.basename(parent)));
    }
    await exec("lvh", words, { env });
    if (isDryRun) return;
    if ((fs.statSync(made, { throwIfNoEntry: false })?.size ?? 0) === 0)
      throw imageDamaged(image.name, "lvh has not made it");
    fs.renameSync(made, partial);
  } finally {
    if (!isDryRun) remove();
  }
}

/** An entry of images.json that names everything of this machine by its whole path. */
function describeImage(context: Context, shop: Shop, image: Image): ImgConf {
  const { name, parent, size, bootable, packages } = image;
  const { place } = changesOf(context, shop, image);
  const local = (file: string): string => path.resolve(place.dataDir, file);
  const line = (Cmd: string): Action => ({ type: "run-command", op: { Cmd } });
  const actions = image.actions.flatMap((action): readonly Action[] => {
    const own = place.lineOf(action.type, action.op as Readonly<Record<string, string>>); // Every op is a record of texts.
    if (own !== undefined) return [line(own)];
    switch (action.type) {
      case "copy-in":
        return [{ ...action, op: { ...action.op, LocalPath: local(action.op.LocalPath) } }];
      case "upload":
        return [{ ...action, op: { ...action.op, File: local(action.op.File) } }];
      case "tar-in":
        return [{ ...action, op: { ...action.op, TarFile: local(action.op.TarFile) } }];
      case "install-kernel": {
        const dir = place.kernelDir(action.op.KernelInstallDir);
        const installed = { ...action, op: { KernelInstallDir: dir } };
        return [installed, ...findVmlinuz(dir).map((vmlinuz) => line(initrdLine(vmlinuz)))];
      }
      case "run-command":
      case "set-hostname":
      case "mkdir":
      case "chmod":
      case "append-line":
      case "link":
        return [action];
    }
  });
  return {
    name,
    ...(parent === undefined ? {} : { parent: path.basename(parent) }),
    ...(size === undefined ? {} : { image_size: size }),
    ...(bootable === undefined ? {} : { bootable }),
    packages,
    actions,
  };
}
