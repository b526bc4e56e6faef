/** Images of the backends that make a disk in one step, without a folder of its files. Does not know how they do it. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { defaultSize, type Image } from "./forest.ts";
import { imageDir } from "./places.ts";
import type { RootfsImage } from "./result.ts";
import { targetOf, valuesOf } from "./rootfs-step.ts";
import type { Shop } from "./shop.ts";
import { writeWhole } from "./tree.ts";

interface WholeImage {
  readonly image: Image;
  /** Disk to make, relative to the project root. */
  readonly file: string;
  /** Disk of the parent, absolute or relative to the project root. Absent: where images of the family lie. */
  readonly parent?: string;
}

export async function makeWholeImage(context: Context, shop: Shop, whole: WholeImage): Promise<RootfsImage> {
  const { root, exec } = context;
  const { image, file } = whole;
  const family = image.hasExternalParent ? path.join(shop.dataDir, "images") : imageDir(shop, targetOf(context));
  const own = image.parent === undefined ? undefined : path.join(family, image.parent);
  const parent = whole.parent ?? own;
  const from = parent === undefined ? {} : { parent: path.resolve(root, parent) };
  await writeWhole(context, file, async (partial) => {
    const disk = { image, partial, ...from };
    if (valuesOf(context).rootfsBackend === "lvh") await (await import("./lvh.ts")).makeLvhDisk(context, shop, disk);
    else await (await import("./guestfs.ts")).makeGuestfsDisk(context, shop, disk);
  });
  const bytes = await writeWhole(context, `${file}.zst`, async (partial) => {
    await exec("zstd", ["-q", "-f", "-T0", "-o", partial, path.join(root, file)]);
  });
  return { file: `${file}.zst`, bytes, size: image.size ?? defaultSize };
}
