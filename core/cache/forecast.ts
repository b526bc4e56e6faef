/** Which tasks of a forecast a cache has the result of. Changes nothing, not even the time of last use. */
import type { CacheStore } from "../cache-store.ts";
import type { Decision } from "../decide.ts";
import { keyOf } from "../fingerprint.ts";
import type { Graph, Node } from "../graph.ts";
import type { Hooks } from "../hooks.ts";
import { createChain, type Member } from "./chain.ts";
import type { CacheWish } from "./choice.ts";
import { holdsInputs, isKept } from "./keep.ts";
import { openLocalStore } from "./local.ts";
import { findCachePlace } from "./place.ts";
import { findStranger } from "./unpack.ts";

export interface HitOptions {
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly wish: CacheWish;
  readonly hooks: Hooks;
  /** Whether caches on other machines may be asked. */
  readonly mayConnect: boolean;
  readonly warn: (text: string) => void;
}

/** Task to the name of the cache that it would be restored from. */
export async function findHits(
  graph: Graph,
  decisions: ReadonlyMap<string, Decision>,
  { root, env, wish, hooks, mayConnect, warn }: HitOptions,
): Promise<ReadonlyMap<string, string>> {
  const local = openLocalStore(findCachePlace(root, env, wish.folder));
  const stores: readonly CacheStore[] =
    mayConnect && hooks.cache.isUsed() ? hooks.cache.call([local], { env, warn }) : [local];
  const over = new AbortController();
  const members = createChain(stores, { wish, local, warn, signal: over.signal }).filter(({ canRead }) => canRead);
  const hits = new Map<string, string>();
  for (const [id, { step, document, mayTake }] of decisions) {
    const node = graph.nodes.get(id);
    if (node === undefined || step.action !== "run" || !mayTake || !isKept(node)) continue;
    if (
      holdsInputs(
        node,
        document.inputs.map(({ path }) => path),
      )
    )
      continue;
    for (const member of members) {
      if (!(await isHit(member, node, keyOf(document)))) continue;
      hits.set(id, member.store.name);
      break;
    }
  }
  for (const { report } of members) report();
  over.abort(new Error("nothing more is asked"));
  for (const { store } of members) await store.close?.().catch(() => {}); // Nobody waits for it any more.
  return hits;
}

async function isHit({ ask, store, local }: Member, node: Node, key: string): Promise<boolean> {
  const result = local === undefined ? await ask((signal) => store.findResult(key, signal)) : local.peekResult(key);
  return result?.key === key && result.document.digest === key && findStranger(node, result) === undefined;
}
