/** Which tasks of a forecast a cache has the result of. Changes nothing, not even the time of last use. */
import * as path from "node:path";
import type { CachedOutput, CachedResult } from "../cache-store.ts";
import { decideNode, groupResult, isGroupNode, type DecideOptions, type Decision, type Forecast } from "../decide.ts";
import { keyOf, resultDigest, type KeyDocument } from "../fingerprint.ts";
import type { Graph, Node } from "../graph.ts";
import { isGlob, outputPath } from "../paths.ts";
import { describeEachOutput, describeOutputs } from "../outputs.ts";
import { viewDisk, withLayers, type Layer } from "../view.ts";
import { openCaches, type Caches, type CachesOptions } from "./caches.ts";
import { farFile, findFar } from "./far.ts";
import { holdsInputs, isKept } from "./keep.ts";
import { resultFolder } from "./local.ts";
import { createLayer, findStranger } from "./unpack.ts";

export interface HitOptions extends CachesOptions {
  /** Those that were asked already. Absent: none was. */
  readonly caches: Caches | undefined;
  /** Needs come first. */
  readonly order: readonly string[];
  readonly decide: DecideOptions;
  readonly warn: (text: string) => void;
}

/** What a run would find in caches. */
export interface Foreseen {
  /** Task to the name of the cache that it would be restored from. */
  readonly hits: ReadonlyMap<string, string>;
  /** The forecast again, with what would be restored taken for done. */
  readonly forecast: Forecast;
}

/** Looks needs first, so that what a restored need leaves counts for those that need it. Closes the caches. */
export async function findHits(graph: Graph, forecast: Forecast, options: HitOptions): Promise<Foreseen> {
  const { order, decide, hooks, root } = options;
  const { look, members, ...caches } = options.caches ?? openCaches(options);
  caches.hear(options.warn);
  const readers = members.filter(({ canRead }) => canRead);
  const hits = new Map<string, string>();
  const [decisions, results] = [new Map(forecast.decisions), new Map(forecast.results)];
  const layers: Layer[] = [];
  const disk = viewDisk(root, decide.memo);
  const mayForesee = !hooks.plan.isUsed() && !hooks.fingerprint.isUsed(); // A plugin may look at files that are not there.
  /** Whether all that it waits for is known now, and was not before. */
  const isOpen = ({ id, task, edges }: Node): boolean => {
    const needs = edges.filter(({ kind }) => kind !== "finally" && kind !== "validation");
    const isNew = needs.every(({ to }) => results.has(to)) && needs.some(({ to }) => !forecast.results.has(to));
    return isNew && mayForesee && task.when === undefined && forecast.wanted.has(id);
  };
  const find = async (node: Node, { step, document, mayTake }: Decision): Promise<void> => {
    if (step.action !== "run" || !mayTake || !isKept(node) || holdsOwnInputs(node, document)) return;
    const key = keyOf(document);
    for (const reader of readers) {
      const result = await look(reader, key);
      if (result === undefined || !isSound(node, result, key)) continue;
      hits.set(node.id, reader.store.name);
      const layer = createLayer(result.outputs);
      // What else lies there would be removed: then what is left cannot be seen from here.
      if (
        describeOutputs(root, node, decide.memo).some(({ path: file, kind }) => kind !== "missing" && !layer.has(file))
      )
        return;
      layers.push(layer);
      const outputs = describeEachOutput(node, withLayers(disk, [layer]));
      results.set(node.id, { digest: resultDigest(key, outputs, result.value), value: result.value });
      return;
    }
  };
  for (const id of order) {
    const node = graph.nodes.get(id)!; // The order is that of the graph.
    if (isGroupNode(node) && isOpen(node)) results.set(id, groupResult(node, results));
    const before = decisions.get(id);
    if (before === undefined) continue;
    const decision = isOpen(node)
      ? await decideNode(node, results, { ...decide, view: withLayers(disk, layers) })
      : before;
    decisions.set(id, decision);
    if (decision.result === undefined) await find(node, decision);
    else results.set(id, decision.result);
  }
  await caches.close();
  return { hits, forecast: { ...forecast, decisions, results } };
}

/** Whether the task can have made it, and nothing is missing: a cache that others write may say anything. */
function isSound(node: Node, result: CachedResult, key: string): boolean {
  try {
    return (
      result.v === 1 &&
      result.key === key &&
      result.document.digest === key &&
      result.outputs.every(isWhole) &&
      findStranger(node, result) === undefined &&
      hasOutputs(node, result)
    );
  } catch {
    return false; // No result at all.
  }
}

function isWhole({ kind, mode, blob, target }: CachedOutput): boolean {
  if (!Number.isInteger(mode)) return false;
  switch (kind) {
    case "folder":
      return true;
    case "link":
      return typeof target === "string";
    case "file":
      return blob !== undefined && /^[0-9a-f]{64}$/.test(blob.digest) && Number.isInteger(blob.size);
  }
}

/** Whether all that is declared would be there. */
function hasOutputs({ outputs }: Node, result: CachedResult): boolean {
  const kinds = new Map(result.outputs.map(({ path: file, kind }) => [file, kind]));
  return outputs.every((declared) => {
    const { path: wanted, isFolder } = outputPath(declared);
    if (isFolder && (!isGlob(declared) || declared.endsWith("/**"))) return kinds.get(wanted) === "folder";
    return kinds.has(wanted) || [...kinds.keys()].some((file) => file.startsWith(`${wanted}/`));
  });
}

function holdsOwnInputs(node: Node, { inputs }: KeyDocument): boolean {
  const paths = inputs.map(({ path: file }) => file);
  return holdsInputs(node, paths);
}

/** What a result would leave if it was restored. */
export interface Hit {
  readonly layer: Layer;
  readonly value: unknown;
  /** File of the local cache that says so, once the run has ended; absolute. */
  readonly entry: string;
}

/** Finds what caches have of a node. `isAsked`: it is to be restored, so what was once heard of a cache on another machine will not do. */
export type HitFinder = (
  node: Node,
  document: KeyDocument,
  { isAsked }: { readonly isAsked: boolean },
) => Promise<Hit | undefined>;

/** Undefined: no cache may be read. */
export function openHits(
  caches: Caches,
  { wish, hooks }: Pick<CachesOptions, "wish" | "hooks">,
): HitFinder | undefined {
  const { place, members, look } = caches;
  const readers = members.filter(({ canRead }) => canRead);
  if (readers.length === 0) return undefined;
  return async (node, document, { isAsked }) => {
    if (holdsOwnInputs(node, document)) return undefined;
    const key = keyOf(document);
    const hitOf = (result: CachedResult | undefined, entry: string): Hit | undefined =>
      result !== undefined && isSound(node, result, key)
        ? { layer: createLayer(result.outputs), value: result.value, entry }
        : undefined;
    for (const reader of readers) {
      const isNear = reader.local !== undefined;
      const entry = isNear ? path.join(place.folder, resultFolder, key) : farFile(place, key);
      const isTold = isNear && !isAsked && hooks.cache.isUsed();
      const hit = hitOf(await look(reader, key), entry);
      const known = hit ?? (isTold ? hitOf(findFar(place, key, wish.choice), farFile(place, key)) : undefined);
      if (known !== undefined) return known;
    }
    return undefined;
  };
}
