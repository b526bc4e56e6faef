/** Needs that a run leaves alone, because caches have what is made of them and nothing that runs needs them. Decided before anything runs; changes nothing. */
import type { Caches } from "./cache/caches.ts";
import type { Hit, HitFinder } from "./cache/forecast.ts";
import { isCacheOff, useOf, type CacheWish } from "./cache/choice.ts";
import { isKept } from "./cache/keep.ts";
import {
  askedIds,
  decideNode,
  groupResult,
  isGroupNode,
  isServiceNode,
  type Decision,
  type DecideOptions,
  type Forecast,
  type NodeResult,
  type Spared,
} from "./decide.ts";
import { createDemand } from "./demand.ts";
import { keyOf, resultDigest } from "./fingerprint.ts";
import type { FileFact } from "./files.ts";
import type { Graph, Node } from "./graph.ts";
import { describeEachOutput, describeOutputs } from "./outputs.ts";
import type { Postponed } from "./schedule.ts";
import { viewDisk, withLayers, type View } from "./view.ts";

export interface SpareOptions {
  readonly graph: Graph;
  /** Needs come first. */
  readonly order: readonly string[];
  readonly decide: DecideOptions;
  readonly wish: CacheWish;
  /** Caches on other machines may be asked until this is aborted. Undefined: they are not. */
  readonly asking: AbortSignal | undefined;
}

/** What is going to happen. */
export interface Planned {
  readonly forecast: Forecast;
  /** Caches that were asked for it, some of them on other machines; whoever goes on with them closes them. Absent: there are none. */
  readonly caches?: Caches;
}

/**
 * The forecast without the needs of targets that can be restored from a cache, or that are up to date, as far as those needs could be
 * restored too and nothing of them is on the disk. Below a task that runs nothing is left out: it may read more than it says.
 */
export async function spareNeeds(forecast: Forecast, options: SpareOptions): Promise<Planned> {
  const { decide, wish, asking } = options;
  const { hooks, root, env } = decide;
  if ([...forecast.wanted].every((id) => forecast.results.has(id))) return { forecast };
  const mayConnect = asking !== undefined && hooks.cache.isUsed();
  if (mayConnect ? isCacheOff(wish.choice) : !useOf(wish.choice, "local").canRead) return { forecast };
  if (hooks.plan.isUsed() || hooks.fingerprint.isUsed()) return { forecast }; // A plugin may look at files that are not there.
  const candidates = findCandidates(forecast, options);
  if (candidates.size === 0) return { forecast };
  const [{ openCaches }, { openHits }] = await Promise.all([
    import("./cache/caches.ts"),
    import("./cache/forecast.ts"),
  ]);
  const caches = openCaches({ root, env, wish, hooks, mayConnect });
  try {
    if (asking !== undefined) caches.heed(asking);
    const findHit = openHits(caches, { wish, hooks });
    const light = findHit && (await findLight(forecast, candidates, { ...options, findHit }));
    const spared = light === undefined ? forecast : withoutNeeds(forecast, options.graph, light);
    return { forecast: spared, ...(mayConnect ? { caches } : {}) };
  } catch (error) {
    await caches.close();
    throw error;
  }
}

/** Targets that may be restored, and their needs down to what is up to date. Nothing is read for it. */
function findCandidates(forecast: Forecast, { graph, order, decide }: SpareOptions): ReadonlySet<string> {
  const { results } = forecast;
  const fit = new Set(results.keys());
  for (const id of order) {
    const node = graph.nodes.get(id)!; // The order is that of the graph.
    if (isFit(graph, node) && !decide.isForced(node) && node.edges.every(({ to }) => fit.has(to))) fit.add(id);
  }
  const candidates = new Set(askedIds(graph).filter((id) => fit.has(id) && hasOpenNeed(graph, id, results)));
  for (const id of candidates)
    for (const { to } of graph.nodes.get(id)!.edges) if (!results.has(to)) candidates.add(to);
  return candidates;
}

/** Whether its kept result is all that it would leave, and nothing has to happen besides. */
function isFit(graph: Graph, node: Node): boolean {
  const { status, when, confirm, versions, clean } = node.task;
  return (
    (isGroupNode(node) || isKept(node)) &&
    [status, when, confirm, versions].every((one) => one === undefined) &&
    clean !== "keep" &&
    !node.hasFoundPaths &&
    node.edges.every(
      ({ to, kind }) => (kind === "result" || kind === "order") && !isServiceNode(graph, graph.nodes.get(to)!),
    )
  );
}

function hasOpenNeed(graph: Graph, id: string, results: Forecast["results"]): boolean {
  const node = graph.nodes.get(id)!; // Only ids of nodes are asked for.
  return !isGroupNode(node) && !results.has(id) && node.edges.some(({ to }) => !results.has(to));
}

/** How a node looks when all that it needs is taken for done. */
interface Light {
  readonly decision: Decision;
  readonly view: View;
  readonly results: ReadonlyMap<string, NodeResult>;
  /** Files of the local cache that were believed for that; absolute. */
  readonly entries: readonly string[];
}

/** Nodes that are looked at, and caches asked for them, at the same time. */
const width = 16;

/** The candidates that are up to date or in a cache, if their needs are. */
async function findLight(
  forecast: Forecast,
  candidates: ReadonlySet<string>,
  { graph, order, decide, findHit }: SpareOptions & { readonly findHit: HitFinder },
): Promise<ReadonlyMap<string, Light>> {
  const { root, memo } = decide;
  const disk = viewDisk(root, memo);
  const results = new Map(forecast.results);
  const asked = new Set(askedIds(graph));
  const hits = new Map<string, Hit>(); // Of nodes that nothing is there of.
  const light = new Map<string, Light>();
  /** What the node leaves, if that can be told. */
  const look = async (node: Node): Promise<NodeResult | undefined> => {
    const { id } = node;
    if (!node.edges.every(({ to }) => results.has(to))) return undefined;
    if (isGroupNode(node)) return groupResult(node, results);
    const below = openNeeds(graph, id, forecast.results).flatMap((need) => hits.get(need) ?? []);
    const layers = below.map(({ layer }) => layer);
    const view = withLayers(disk, layers);
    const known = node.edges.every(({ to }) => forecast.results.has(to)) ? forecast.decisions.get(id) : undefined;
    const decision = known ?? (await decideNode(node, results, { ...decide, view }));
    const isBare = decision.result === undefined && describeOutputs(root, node, memo).every(isMissing);
    const mayTake = decision.step.action === "run" && decision.mayTake && (isBare || asked.has(id));
    const hit = mayTake ? await findHit(node, decision.document, { isAsked: asked.has(id) }) : undefined;
    if (decision.result === undefined && hit === undefined) return undefined;
    const entries = below.map(({ entry }) => entry);
    if (asked.has(id)) light.set(id, { decision, view, results, entries });
    if (decision.result !== undefined || hit === undefined) return decision.result;
    if (!isBare) return undefined;
    hits.set(id, hit);
    const outputs = describeEachOutput(node, withLayers(disk, [hit.layer]));
    return { digest: resultDigest(keyOf(decision.document), outputs, hit.value), value: hit.value };
  };
  const demand = createDemand(graph, candidates, asked);
  const inTurn = createGate(width);
  const looks = new Map<string, Promise<void>>();
  for (const id of order.filter((one) => candidates.has(one))) {
    const node = graph.nodes.get(id)!; // The order is that of the graph.
    const visit = async (): Promise<void> => {
      const result = demand.isOver(id) ? undefined : await look(node);
      if (result === undefined) demand.end(id);
      else results.set(id, result);
    };
    const before = node.edges.flatMap(({ to }) => looks.get(to) ?? []);
    looks.set(
      id,
      Promise.all(before).then(() => inTurn(visit)),
    );
  }
  await Promise.all(looks.values());
  return light;
}

function isMissing({ kind }: FileFact): boolean {
  return kind === "missing";
}

/** Lets so many through at a time, in the order in which they come. */
function createGate(free: number): (act: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  return async (act) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

function withoutNeeds(forecast: Forecast, graph: Graph, light: ReadonlyMap<string, Light>): Forecast {
  const { wanted, whole } = findWanted(forecast, graph, light);
  const spared = new Map(
    [...wanted].flatMap((id) => {
      const seen = whole.has(id) || forecast.results.has(id) ? undefined : light.get(id);
      const needs = seen === undefined ? [] : openNeeds(graph, id, forecast.results);
      return seen !== undefined && needs.some((need) => !wanted.has(need)) ? [[id, { ...seen, needs }] as const] : [];
    }),
  );
  if (spared.size === 0) return forecast;
  const decisions = new Map(forecast.decisions);
  const results = new Map(forecast.results);
  for (const [id, { decision }] of spared) {
    decisions.set(id, decision);
    if (decision.result !== undefined) results.set(id, decision.result);
  }
  for (const id of [...wanted].reverse()) {
    const node = graph.nodes.get(id)!; // Only nodes are wanted.
    const isDone = node.edges.every(({ to, kind }) => kind !== "result" || results.has(to));
    if (isGroupNode(node) && isDone) results.set(id, groupResult(node, results));
  }
  return { ...forecast, decisions, results, wanted, spared };
}

/** `whole`: what runs, may run, or is needed by that. */
function findWanted(
  { results }: Forecast,
  graph: Graph,
  light: ReadonlyMap<string, Light>,
): { readonly wanted: ReadonlySet<string>; readonly whole: ReadonlySet<string> } {
  const wanted = new Set(graph.targets);
  const whole = new Set<string>();
  for (const id of wanted) {
    const node = graph.nodes.get(id)!; // Only nodes are wanted.
    if (isGroupNode(node)) for (const { to } of node.edges) wanted.add(to);
    else if (!results.has(id) && !light.has(id)) whole.add(id);
  }
  for (const id of whole) {
    wanted.add(id);
    const node = graph.nodes.get(id)!;
    if (results.has(id) && !isGroupNode(node) && !isServiceNode(graph, node)) continue;
    for (const { to } of node.edges) whole.add(to);
  }
  return { wanted, whole };
}

/** All that has to be done before a node, if nothing is left out. */
function openNeeds(graph: Graph, id: string, results: Forecast["results"]): readonly string[] {
  const open = new Set([id]);
  for (const one of open) for (const { to } of graph.nodes.get(one)!.edges) if (!results.has(to)) open.add(to);
  open.delete(id);
  return [...open];
}

/** Those that are spared while a run goes on. */
export interface Sparing {
  readonly find: (id: string) => Spared | undefined;
  /** A cache had less than it had seemed: what is done instead may come out otherwise, so nobody is spared any more. */
  readonly isWrong: () => boolean;
  /** The node goes the long way. Undefined: it does already. */
  readonly postpone: (id: string) => Postponed | undefined;
}

export function createSparing(spared: Forecast["spared"]): Sparing {
  const left = new Map(spared);
  let isWrong = false;
  return {
    find: (id) => left.get(id),
    isWrong: () => isWrong,
    postpone(id) {
      const first = left.get(id)?.needs;
      if (left.delete(id)) isWrong = true;
      return first === undefined ? undefined : { first };
    },
  };
}
