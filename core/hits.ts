/** Which tasks of a forecast would be restored instead of run. Loads what it takes only when there may be one. */
import { isCacheOff, useOf } from "./cache/choice.ts";
import type { Foreseen } from "./cache/forecast.ts";
import type { Nearest } from "./cache/nearest.ts";
import type { KeyDocument } from "./fingerprint.ts";
import type { Prepared } from "./prepare.ts";

/** Of tasks that would run though caches keep their results: the kept result that comes nearest. */
export async function findNearestResults(
  { project, decide, cache }: Prepared,
  documents: ReadonlyMap<string, KeyDocument>,
): Promise<ReadonlyMap<string, Nearest>> {
  if (isCacheOff(cache.choice) || !useOf(cache.choice, "local").canRead || documents.size === 0) return new Map();
  const [{ findNearest }, { findCachePlace }] = await Promise.all([
    import("./cache/nearest.ts"),
    import("./cache/place.ts"),
  ]);
  return findNearest(findCachePlace(project.root, decide.env, cache.folder).folder, documents);
}

/** What of the forecast would be restored, and what that means for the rest of it. Closes the caches. */
export async function findForecastHits(
  { project, assembly, graph, order, decide, forecast, cache, caches, secrets }: Prepared,
  { mayConnect, warn }: { readonly mayConnect: boolean; readonly warn: (text: string) => void },
): Promise<Foreseen> {
  const isIdle = caches === undefined && ![...forecast.decisions.values()].some(({ mayTake }) => mayTake);
  if (isCacheOff(cache.choice) || isIdle) return { hits: new Map(), forecast };
  const { findHits } = await import("./cache/forecast.ts");
  return await findHits(graph, forecast, {
    order,
    decide,
    root: project.root,
    env: decide.env,
    wish: cache,
    hooks: assembly.hooks,
    mayConnect,
    caches,
    warn: (text) => warn(secrets.hide(text)),
  });
}
