/** The release tag: given, or the text of a Go variable. Reads one file; does not know images. */
import { readFile } from "node:fs/promises";
import { join, normalize, relative, resolve } from "node:path";
import type { SideImagesOptions } from "./options.ts";
import { tagMissing } from "./value-errors.ts";

const usual = { goFile: "../../../pkg/release/release.go", goVar: "Base" };

/** The tag of this run. @throws BtError SIDE_IMAGES_RELEASE_TAG */
export async function loadReleaseTag(root: string, options: SideImagesOptions, given?: string): Promise<string> {
  if (given !== undefined) return checkTag(given, "RELEASE_TAG");
  const { releaseTag = usual } = options;
  if (typeof releaseTag === "string") return checkTag(releaseTag, "the builderfile");
  const { goFile, goVar } = releaseTag;
  const file = resolve(root, options.dir, goFile);
  const shown = relative(root, file);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) throw tagMissing(shown, `there is no file "${normalize(join(options.dir, goFile))}"`);
  const found = findVariable(text, goVar);
  if (found === undefined) throw tagMissing(shown, `it has no line \`var ${goVar} = "…"\``);
  return checkTag(found, shown);
}

/** `var Base = "4.10.18"`, also within `var ( … )`. */
function findVariable(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*(?:var\\s+)?${name}(?:\\s+string)?\\s*=\\s*["\`]([^"\`]*)["\`]`, "m").exec(text)?.[1];
}

function checkTag(tag: string, where: string): string {
  if (!/^\w[\w.-]{0,127}$/.test(tag)) throw tagMissing(where, `"${tag}" is no tag of an image`);
  return tag;
}
