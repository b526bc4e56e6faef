/** The order in which the nodes of a graph must run, and how long the way behind each is. Pure; does not know who runs them. */
import { cycle } from "./errors/graph.ts";
import type { BtError } from "./errors.ts";
import type { Graph } from "./graph.ts";

/** Ids in an order in which every node comes after all it waits for; equal graphs give equal orders. @throws BtError CYCLE */
export function sortGraph(graph: Graph): readonly string[] {
  const order: string[] = [];
  const finals = finalOwners(graph);
  const state = new Map<string, "open" | "done">();
  for (const start of [...graph.nodes.keys()].sort()) {
    const path: { id: string; waits: string[] }[] = [];
    const enter = (id: string): void => {
      state.set(id, "open");
      path.push({ id, waits: [...waitsFor(graph, id), ...(finals.get(id) ?? [])].sort().reverse() });
    };
    if (!state.has(start)) enter(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.waits.pop();
      if (next === undefined) {
        state.set(top.id, "done");
        order.push(top.id);
        path.pop();
      } else if (state.get(next) === "open") {
        throw circle(
          graph,
          path.map(({ id }) => id),
          next,
        );
      } else if (!state.has(next)) enter(next);
    }
  }
  return order;
}

/** Starts the circle at its alphabetically first task, so that it always reads the same. */
function circle(graph: Graph, path: readonly string[], back: string): BtError {
  const ring = path.slice(path.indexOf(back));
  const first = ring.indexOf([...ring].sort()[0]!);
  const turned = [...ring.slice(first), ...ring.slice(0, first)];
  const [from, to] = [turned[0]!, turned[1] ?? turned[0]!]; // A circle has at least one task.
  const node = graph.nodes.get(from);
  const edge = node?.edges.find((one) => one.to === to && (one.kind === "result" || one.kind === "order"));
  return cycle([...turned, from], {
    site: node?.task.site,
    edge: edge === undefined ? "finally" : edge.inferred === true ? "path" : "need",
  });
}

/** Nodes that run after others whatever happens, with those others. */
export function finalOwners({ nodes }: Graph): ReadonlyMap<string, ReadonlySet<string>> {
  const owners = new Map<string, Set<string>>();
  for (const node of nodes.values()) {
    for (const { to, kind } of node.edges)
      if (kind === "finally" && nodes.has(to)) owners.set(to, (owners.get(to) ?? new Set()).add(node.id));
  }
  return owners;
}

/** Nodes that run after others whatever happens, and what those need besides what they follow, each with the finals it is for. */
export function finalHelpers(graph: Graph): ReadonlyMap<string, ReadonlySet<string>> {
  const helpers = new Map<string, Set<string>>();
  for (const [final, owners] of finalOwners(graph)) {
    const own = new Set([final]);
    for (const id of own) for (const to of waitsFor(graph, id)) if (!owners.has(to)) own.add(to);
    for (const id of own) helpers.set(id, (helpers.get(id) ?? new Set()).add(final));
  }
  return helpers;
}

/** Ids that must be done before `id` starts. */
export function waitsFor(graph: Graph, id: string): string[] {
  return (graph.nodes.get(id)?.edges ?? [])
    .filter(({ kind }) => kind === "result" || kind === "order")
    .map(({ to }) => to);
}

/** Milliseconds from the start of each node to the end of the longest chain behind it. */
export function remainingTimes(
  graph: Graph,
  order: readonly string[],
  durationMs: (id: string) => number,
): ReadonlyMap<string, number> {
  const remaining = new Map<string, number>();
  for (const id of order.toReversed()) {
    const own = (remaining.get(id) ?? 0) + durationMs(id);
    remaining.set(id, own);
    for (const to of waitsFor(graph, id)) remaining.set(to, Math.max(remaining.get(to) ?? 0, own));
  }
  return remaining;
}
