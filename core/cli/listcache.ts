/** Keeps the printed list for the shortcut. Does not know how it is made. */
import * as path from "node:path";
import { writeAtomic } from "../files.ts";
import { prepareStateFolder, type Project } from "../load.ts";
import { listFile, manifestFile } from "../warm.ts";

/** Stores both forms of the list beside the manifest that says when they hold. Failing costs speed only. */
export function cacheList(
  { root, manifest }: Project,
  list: { readonly plain: string; readonly colour: string },
  isDefault: boolean,
): void {
  if (!manifest.isTracked) return;
  try {
    prepareStateFolder(root);
    writeAtomic(
      path.join(root, ".bt", listFile),
      JSON.stringify({ writtenMs: manifest.writtenMs, isDefault, ...list }),
    );
    writeAtomic(path.join(root, ".bt", manifestFile), JSON.stringify(manifest));
  } catch {
    return;
  }
}
