/** Which tasks of a forecast a cache has the result of. Changes nothing, not even the time of last use. */
import * as path from "node:path";
import type { CachedResult, CacheStore } from "../cache-store.ts";
import type { Decision } from "../decide.ts";
import { keyOf, type KeyDocument } from "../fingerprint.ts";
import type { Graph, Node } from "../graph.ts";
import type { Hooks } from "../hooks.ts";
import type { Layer } from "../view.ts";
import { createChain, type Member } from "./chain.ts";
import type { CacheWish } from "./choice.ts";
import { holdsInputs, isKept } from "./keep.ts";
import { openLocalStore, resultFolder } from "./local.ts";
import { findCachePlace } from "./place.ts";
import { createLayer, findStranger } from "./unpack.ts";

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
    if (holdsOwnInputs(node, document)) continue;
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
  return result !== undefined && isSound(node, result, key);
}

function isSound(node: Node, result: CachedResult, key: string): boolean {
  return result.key === key && result.document.digest === key && findStranger(node, result) === undefined;
}

function holdsOwnInputs(node: Node, { inputs }: KeyDocument): boolean {
  const paths = inputs.map(({ path }) => path);
  return holdsInputs(node, paths);
}

/** What a result would leave if it was restored. */
export interface Hit {
  readonly layer: Layer;
  readonly value: unknown;
  /** File of the result in the cache; absolute. */
  readonly entry: string;
}

/** Finds what this machine's cache has of a node. */
export type HitFinder = (node: Node, document: KeyDocument) => Hit | undefined;

export function openHits(root: string, env: HitOptions["env"], wish: CacheWish): HitFinder {
  const place = findCachePlace(root, env, wish.folder);
  const local = openLocalStore(place);
  return (node, document) => {
    const key = keyOf(document);
    const result = holdsOwnInputs(node, document) ? undefined : local.peekResult(key);
    if (result === undefined || !isSound(node, result, key)) return undefined;
    return {
      layer: createLayer(result.outputs),
      value: result.value,
      entry: path.join(place.folder, resultFolder, key),
    };
  };
}
