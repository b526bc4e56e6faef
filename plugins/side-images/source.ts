/** Where a component's source is: the release says it, or its files, or the builderfile. Does not check out. */
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Place } from "../../core/index.ts";
import { sourceIncomplete } from "./errors.ts";
import { bareRepository, checkWanted, takeCommit, type WantedCommit } from "./git.ts";
import { sourcesOf, type ReferencesByArch } from "./references-task.ts";
import type { SourceResult } from "./result.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";
import type { ReleaseEntry } from "./references.ts";

/** The folder of bare repositories, absolute. */
export function cacheOf(root: string, site: Site): string {
  return resolve(root, site.options.source?.cacheDir ?? places.git);
}

/** Has the source of a component in the cache. `source` is absent when nobody says where it is. */
export async function takeSource(
  context: SideContext,
  site: Site,
  component: string,
): Promise<{ readonly source?: SourceResult }> {
  const { root, log, needs } = context;
  const references = (needs["references"] ?? {}) as ReferencesByArch; // The result of the references task.
  const wanted = await findWanted(root, site, { component, entry: sourcesOf(references)[component] ?? {} });
  if (wanted === undefined) {
    log.info(`[${component}] no source: neither the release nor the files repo and commit say where it is`);
    return {};
  }
  const isOffline = planOf(site).values.offline;
  const { commit, version } = await takeCommit(context, wanted, { cache: cacheOf(root, site), isOffline });
  log.info(`[${component}] ${wanted.repo.replace(/\/\/[^/@]*@/, "//***@")} ${commit} ${version}`);
  return { source: { repo: wanted.repo, commit, version } };
}

/** Whether the cache still has what the task has left there. */
export async function hasSource({ root, previous }: SideContext, site: Site): Promise<boolean> {
  const { source } = previous as { readonly source?: SourceResult }; // Its own last result.
  return source === undefined || existsSync(join(bareRepository(cacheOf(root, site), source.repo), "HEAD"));
}

/**
 * The repository and commit of a component, by precedence. Undefined: nobody says.
 * @throws BtError SIDE_IMAGES_SOURCE_INCOMPLETE, SIDE_IMAGES_SOURCE_MALFORMED
 */
export async function findWanted(
  root: string,
  { options }: Pick<Site, "options">,
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
