/** Where a component's source is: the release says it, or its files, or the builderfile. Does not check out. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { bareRepository, takeCommit } from "./git.ts";
import { sourcesOf, type ReferencesByArch } from "./references-task.ts";
import type { SourceResult } from "./result.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";
import { findWanted } from "./wanted.ts";

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
