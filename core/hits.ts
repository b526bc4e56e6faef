/** Which tasks of a forecast would be restored instead of run. Loads what it takes only when there may be one. */
import { isCacheOff } from "./cache/choice.ts";
import type { Prepared } from "./prepare.ts";

/** Tasks that would run, to the cache that has their result. */
export async function findForecastHits(
  { project, assembly, graph, decide, forecast, cache, secrets }: Prepared,
  { mayConnect, warn }: { readonly mayConnect: boolean; readonly warn: (text: string) => void },
): Promise<ReadonlyMap<string, string>> {
  if (isCacheOff(cache.choice) || ![...forecast.decisions.values()].some(({ mayTake }) => mayTake)) return new Map();
  const { findHits } = await import("./cache/forecast.ts");
  return await findHits(graph, forecast.decisions, {
    root: project.root,
    env: decide.env,
    wish: cache,
    hooks: assembly.hooks,
    mayConnect,
    warn: (text) => warn(secrets.hide(text)),
  });
}
