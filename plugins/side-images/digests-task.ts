/** Prints the record of what was published. Asks no registry. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { places, type SideContext } from "./role.ts";
import { digestsMissing } from "./value-errors.ts";

/** @throws BtError SIDE_IMAGES_DIGESTS_MISSING */
export async function showDigests({ root, log }: SideContext): Promise<unknown> {
  const text = await readFile(join(root, places.digests), "utf8").catch(() => undefined);
  if (text === undefined) throw digestsMissing(places.digests);
  log.info(text.trimEnd());
  return JSON.parse(text) as unknown;
}
