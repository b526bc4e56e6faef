/** Where a component's source is: the release says it, or its files, or the builderfile. Does not check out. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { findTool } from "../../core/index.ts";
import { bareRepository, maskUrl, takeCommit } from "./git.ts";
import { sourceNeedsRelease } from "./plan.ts";
import { sourcesOf, type ReferencesByArch } from "./references-task.ts";
import type { FetchedSource } from "./result.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";
import { programMissing } from "./value-errors.ts";
import { findWanted } from "./wanted.ts";

/** The folder of bare repositories, absolute. */
export function cacheOf(root: string, site: Site): string {
  return resolve(root, site.options.source?.cacheDir ?? places.git);
}

/** Has the source of a component in the cache. `source` is absent when nobody says where it is. */
export async function takeSource(context: SideContext, site: Site, component: string): Promise<FetchedSource> {
  const { root, log, needs, isDryRun } = context;
  const references = (needs["references"] ?? {}) as ReferencesByArch; // The result of the references task.
  const wanted = await findWanted(root, site, { component, entry: sourcesOf(references)[component] ?? {} });
  if (wanted === undefined && isDryRun && sourceNeedsRelease(planOf(site), component)) {
    log.info(`[${component}] source of which the release says where it is`);
    return {};
  }
  if (wanted === undefined) {
    log.info(`[${component}] no source: neither the release nor the files repo and commit say where it is`);
    return {};
  }
  if (!isDryRun && findTool("git", context.env["PATH"] ?? "") === undefined)
    throw programMissing("git", `it fetches the source of ${component}`, "git");
  const isOffline = planOf(site).values.offline;
  const { commit, version } = await takeCommit(context, wanted, { cache: cacheOf(root, site), isOffline });
  const repo = maskUrl(wanted.repo);
  log.info(`[${component}] ${repo} ${commit} ${version}`);
  return { source: { repo, commit, version }, bare: bareRepository("", wanted.repo) };
}

/** Whether the cache still has what the task has left there. */
export async function hasSource({ root, previous }: SideContext, site: Site): Promise<boolean> {
  const { bare } = previous as FetchedSource; // Its own last result.
  return bare === undefined || existsSync(join(cacheOf(root, site), bare, "HEAD"));
}
