/** Keeps the printed list, and the outline for completion, for the shortcut. Does not know how they are made. */
import * as path from "node:path";
import { replaceFile } from "../files.ts";
import { prepareStateFolder, type Project } from "../load.ts";
import { listFile, manifestFile } from "../warm.ts";
import type { Outline } from "./complete.ts";
import { outlineFile } from "./outline-file.ts";

/** Stores both forms of the list beside the manifest that says when they hold. Failing costs speed only. */
export function cacheList(
  { root, manifest }: Project,
  list: { readonly plain: string; readonly colour: string },
  isDefault: boolean,
): void {
  const { writtenMs } = manifest;
  keep({ root, manifest }, listFile, JSON.stringify({ writtenMs, isDefault, ...list }));
}

/** Stores what completion needs, in the same way. */
export function cacheOutline({ root, manifest }: Project, outline: Outline): void {
  keep({ root, manifest }, outlineFile, JSON.stringify({ writtenMs: manifest.writtenMs, ...outline }));
}

function keep({ root, manifest }: Pick<Project, "root" | "manifest">, file: string, text: string): void {
  if (!manifest.isTracked) return;
  try {
    prepareStateFolder(root);
    replaceFile(path.join(root, ".bt", file), text);
    replaceFile(path.join(root, ".bt", manifestFile), JSON.stringify(manifest));
  } catch {
    return;
  }
}
