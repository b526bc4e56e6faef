/** The work of `manifest:digests`: the record of what was published, for people and other programs. Asks no registry. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { replaceFile } from "../../core/index.ts";
import type { Desk } from "./desk.ts";
import { readDigests, type Digests } from "./digests.ts";
import type { Shop } from "./shop.ts";
import { digestsMissing } from "./task-errors.ts";

/** Prints digests.json, and writes it to OUT. @throws BtError MANIFEST_DIGESTS_MISSING */
export async function showDigests(
  { root, log, params, isDryRun }: Desk<{ readonly out?: string | undefined }>,
  shop: Shop,
): Promise<Digests> {
  const file = join(shop.outDir, "digests.json");
  if (isDryRun) {
    log.info(`read    ${file}`);
    return { schema: 1, images: {} };
  }
  if (!existsSync(join(root, file))) throw digestsMissing(file);
  const digests = await readDigests(join(root, file));
  const text = JSON.stringify(digests, undefined, 2);
  if (params.out !== undefined) replaceFile(resolve(root, params.out), `${text}\n`);
  log.info(text);
  return digests;
}
