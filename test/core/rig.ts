/** Small worlds for tests of the engine's pure parts: nodes, graphs and documents by their names. */
import { createGraph, type Edge, type Graph, type Node } from "../../core/graph.ts";
import { createCatalog, select, type Catalog } from "../../core/catalog.ts";
import { bindParams } from "../../core/params.ts";
import { task, type TaskBase } from "../../core/task.ts";

/** A catalog of tasks of the builderfile, by name. */
export function catalogOf(tasks: Readonly<Record<string, TaskBase>>, plugin?: string): Catalog {
  return createCatalog(
    Object.entries(tasks).map(([name, one]) => ({ name, task: one, ...(plugin === undefined ? {} : { plugin }) })),
  );
}

/** The graph of targets, as the command line asks for them; params get their defaults. */
export async function graphOf(tasks: Readonly<Record<string, TaskBase>>, ...words: readonly string[]): Promise<Graph> {
  const catalog = catalogOf(tasks);
  return await createGraph(catalog, select(catalog, { words }), {
    root: "/project",
    bind: (named, fixed) =>
      bindParams(named.name, named.task.params ?? {}, fixed, { given: () => undefined, env: {}, builderfile: {} }),
  });
}

/** A node that stands alone. */
export function nodeOf(id: string, facts: Partial<Node> = {}): Node {
  const plain: TaskBase = task({ run: "true" });
  return {
    id,
    name: id,
    task: plain,
    isGroup: false,
    cell: {},
    params: {},
    outputs: [],
    hasFoundPaths: false,
    edges: [],
    ...facts,
  };
}

/** A graph of plain nodes: `{ bake: ["mix"] }`; all of them are targets. */
export function graphFrom(
  edges: Readonly<Record<string, readonly (string | Edge)[]>>,
  tasks: Readonly<Record<string, TaskBase>> = {},
): Graph {
  const nodes = Object.entries(edges).map(([id, to]): [string, Node] => [
    id,
    nodeOf(id, {
      edges: to.map((edge) => (typeof edge === "string" ? { to: edge, kind: "result" } : edge)),
      ...(tasks[id] === undefined ? {} : { task: tasks[id] }),
    }),
  ]);
  return { nodes: new Map(nodes), targets: Object.keys(edges) };
}

/** What a promise is rejected with, or a function throws: the codes of all errors in it. */
export async function codesOf(act: () => unknown): Promise<readonly string[]> {
  try {
    await act();
    return [];
  } catch (error) {
    const all: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    return all.map((one) => (one instanceof Error && "code" in one ? String(one.code) : String(one)));
  }
}
