/** The release tag: given, the text of a Go variable, or what a command is to print. Reads one file; starts nothing and does not know images. */
import { readFile } from "node:fs/promises";
import { join, normalize, relative, resolve } from "node:path";
import type { SideImagesOptions } from "./options.ts";
import { tagMissing } from "./value-errors.ts";

/** What is known of the tag before anything runs. */
export type ReleaseTag =
  | { readonly kind: "known"; readonly tag: string }
  /** Program and words. */
  | { readonly kind: "command"; readonly command: readonly [string, ...string[]] };

/** Stands for the tag as long as its command has not run: a tag itself, so that Dockerfiles can be planned with it. */
export const pendingTag = "release-tag-of-command";

const usual = { goFile: "../../../pkg/release/release.go", goVar: "Base" };

/** The tag of this run. @throws BtError SIDE_IMAGES_RELEASE_TAG */
export async function loadReleaseTag(root: string, options: SideImagesOptions, given?: string): Promise<ReleaseTag> {
  if (given !== undefined) return known(given, "RELEASE_TAG");
  const { releaseTag = usual } = options;
  if (typeof releaseTag === "string") return known(releaseTag, "the builderfile");
  if ("cmd" in releaseTag) {
    const [program, ...words] = releaseTag.cmd;
    if (program === undefined || program.trim() === "")
      throw tagMissing("the builderfile", "`releaseTag.cmd` names no program");
    return { kind: "command", command: [program, ...words] };
  }
  const { goFile, goVar } = releaseTag;
  const file = resolve(root, options.dir, goFile);
  const shown = relative(root, file);
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) throw tagMissing(shown, `there is no file "${normalize(join(options.dir, goFile))}"`);
  const found = findVariable(text, goVar);
  if (found === undefined) throw tagMissing(shown, `it has no line \`var ${goVar} = "…"\``);
  return known(found, shown);
}

/** @throws BtError SIDE_IMAGES_RELEASE_TAG */
export function checkTag(tag: string, where: string): string {
  if (!/^\w[\w.-]{0,127}$/.test(tag)) throw tagMissing(where, `"${shorten(tag)}" is no tag of an image`);
  return tag;
}

function known(tag: string, where: string): ReleaseTag {
  return { kind: "known", tag: checkTag(tag, where) };
}

/** `var Base = "4.10.18"`, also within `var ( … )`. */
function findVariable(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*(?:var\\s+)?${name}(?:\\s+string)?\\s*=\\s*["\`]([^"\`]*)["\`]`, "m").exec(text)?.[1];
}

/** A command may print a page. */
function shorten(text: string): string {
  const [line = "", ...others] = text.split("\n");
  return others.length > 0 || line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
