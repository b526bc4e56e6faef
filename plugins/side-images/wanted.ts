/** The repository and commit that a component asks for: of the builderfile, the release or its files. Reads files; starts nothing. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "../../core/index.ts";
import { sourceIncomplete } from "./errors.ts";
import { checkWanted, type WantedCommit } from "./git.ts";
import type { SideImagesOptions } from "./options.ts";
import type { ReleaseEntry } from "./references.ts";

/**
 * The repository and commit of a component, by precedence. Undefined: nobody says.
 * @throws BtError SIDE_IMAGES_SOURCE_INCOMPLETE, SIDE_IMAGES_SOURCE_MALFORMED
 */
export async function findWanted(
  root: string,
  { options }: { readonly options: SideImagesOptions },
  { component, entry }: { readonly component: string; readonly entry: ReleaseEntry },
): Promise<WantedCommit | undefined> {
  const folder = join(options.dir, "components", component);
  const own = options.overrides?.[component] ?? {};
  const files = {
    repo: await readLine(root, join(folder, "repo")),
    commit: await readLine(root, join(folder, "commit")),
  };
  const sayers: { readonly repo?: string | undefined; readonly commit?: string | undefined; readonly at: Place }[] = [
    { ...entry, at: { where: `release reference "${component}"` } },
    { ...files, at: { where: folder } },
  ];
  if (options.source?.precedence === "files") sayers.reverse();
  for (const { repo, commit, at } of [{ ...own, at: { where: `overrides.${component}` } }, ...sayers]) {
    if (repo === undefined && commit === undefined) continue;
    if (repo === undefined || commit === undefined)
      throw sourceIncomplete(component, repo === undefined ? "commit" : "repo", at);
    const wanted = { component, repo, commit, at };
    checkWanted(wanted);
    return wanted;
  }
  return undefined;
}

async function readLine(root: string, file: string): Promise<string | undefined> {
  const text = (await readFile(join(root, file), "utf8").catch(() => "")).trim();
  return text === "" || text === "null" ? undefined : text;
}
