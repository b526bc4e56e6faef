/** Files of the project that an image or a kernel is made of. Reads names only. */
import * as fs from "node:fs";
import * as path from "node:path";
import { localPathOf } from "./forest.ts";
import type { Shop } from "./shop.ts";

/** Relative to the root; a folder with all in it. What is not there was told before. */
export async function findLocalFiles(shop: Shop, name: string): Promise<readonly string[]> {
  const family = await shop.family().catch(() => undefined); // What is wrong with the data is told when the run is looked at.
  const locals = (family?.images.get(name)?.actions ?? []).flatMap((action) => localPathOf(action) ?? []);
  return locals.flatMap((local) => {
    const file = path.isAbsolute(local) ? local : path.join(shop.dataDir, local);
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (stat === undefined || path.isAbsolute(local)) return [];
    return [stat.isDirectory() ? `${file}/**` : file];
  });
}

/** Patches of a kernel, as a glob. */
export async function findPatches(shop: Shop, name: string): Promise<readonly string[]> {
  const family = await shop.family().catch(() => undefined); // As above.
  return [family?.kernels.get(name)?.patches ?? []].flat();
}
