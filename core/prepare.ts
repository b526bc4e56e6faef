/** A request for tasks, resolved, checked and forecast: everything that can be said before anything runs. Runs nothing. */
import * as path from "node:path";
import { createAssigner, type Assignment } from "./assign.ts";
import { select, type Selection } from "./catalog.ts";
import { createForecast, type DecideOptions, type Forecast } from "./decide.ts";
import { inputMissing, onlyStale, restUnwanted } from "./errors.ts";
import { findStat } from "./files.ts";
import { createGraph, sortGraph, waitsFor, withEdges, type Graph, type GraphOptions, type Node } from "./graph.ts";
import { prepareStateFolder, type Project } from "./load.ts";
import { collectWriters, inferEdges, isGlob } from "./paths.ts";
import { assemble, type Assembly } from "./plugin.ts";
import { createSecrets, type Secrets } from "./secrets.ts";
import { openState, type State } from "./state.ts";

/** What a caller asks of a project. */
export interface BuildRequest {
  readonly selection: Selection;
  readonly assignments: readonly Assignment[];
  /** Words after `--`. */
  readonly rest: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Run exactly the targets; `force` does not ask whether their needs are up to date. */
  readonly only?: "check" | "force";
  /** Run the targets and what they need even if up to date. */
  readonly isForced: boolean;
  /** False: nothing is written below `.bt/`. */
  readonly mayWrite: boolean;
}

/** A request, resolved and checked: everything that can be said before anything runs. */
export interface Prepared {
  readonly project: Project;
  readonly assembly: Assembly;
  readonly graph: Graph;
  readonly order: readonly string[];
  readonly state: State;
  readonly secrets: Secrets;
  readonly decide: DecideOptions;
  readonly forecast: Forecast;
}

/**
 * Steps 1 to 5 of a build: select, bind params, build the graph, check it, forecast. Runs nothing.
 * @throws BtError or AggregateError of BtErrors: all independent mistakes together
 */
export async function prepare(project: Project, request: BuildRequest): Promise<Prepared> {
  const assembly = assemble(project.builder);
  const { catalog, hooks, settings } = assembly;
  const assigner = createAssigner(request.assignments, { env: request.env, builderfile: settings.params });
  const addresses = select(catalog, request.selection);
  const options = { root: project.root, bind: assigner.bind };
  const declared = await createGraph(catalog, addresses, options);
  assigner.checkAllTaken();
  const graph = await completeGraph(assembly, declared, options);
  const order = sortGraph(graph);
  checkInputs(graph, project.root);
  const rest = restTarget(graph, request.rest);
  if (request.mayWrite) prepareState(project.root);
  const state = openState(path.join(project.root, ".bt"), { readOnly: !request.mayWrite });
  const secrets = createSecrets();
  for (const value of secretValues(graph)) secrets.add(value);
  const decide: DecideOptions = {
    root: project.root,
    env: request.env,
    memo: state.memo,
    hooks,
    codeOf: project.codeOf,
    hide: secrets.hide,
    state,
    isForced: () => request.isForced,
    restOf: (node) => (node.id === rest ? request.rest : []),
  };
  const forecast = await createForecast(graph, order, { ...decide, onlyTargets: request.only !== undefined });
  if (request.only === "check") checkNeedsFresh(graph, forecast);
  return { project, assembly, graph, order, state, secrets, decide, forecast };
}

function prepareState(root: string): void {
  try {
    prepareStateFolder(root);
  } catch {
    return; // Opening the state says it better.
  }
}

/** Adds the edges that paths imply, until no new task comes in, and those of plugins. */
async function completeGraph(assembly: Assembly, declared: Graph, options: GraphOptions): Promise<Graph> {
  const { catalog, hooks } = assembly;
  const hasPaths = [...catalog.tasks.values()].some(({ task }) => task.outputs !== undefined);
  let graph = declared;
  if (hasPaths) {
    const everything = await createWholeGraph(assembly, options);
    const writers = collectWriters([...everything.nodes.values(), ...declared.nodes.values()]);
    if (writers.mistakes.length === 1) throw writers.mistakes[0];
    if (writers.mistakes.length > 1) throw new AggregateError(writers.mistakes);
    for (let size = -1; size !== graph.nodes.size; ) {
      size = graph.nodes.size;
      const inferred = inferEdges(graph.nodes.values(), writers);
      graph = withEdges(withNodes(graph, everything, inferred.map(({ edge }) => edge.to)), inferred);
    }
  }
  return hooks.graph.isUsed() ? await hooks.graph.promise(graph) : graph;
}

/** All tasks; one whose params have no values is left out, as nothing can be said about its paths. */
async function createWholeGraph({ catalog }: Assembly, { root, bind }: GraphOptions): Promise<Graph> {
  const lenient: GraphOptions["bind"] = async (named, fixed) => {
    try {
      return await bind(named, fixed);
    } catch {
      return Object.fromEntries(Object.keys(named.task.params ?? {}).map((name) => [name, { value: undefined, source: "none" as const }]));
    }
  };
  const names = [...catalog.tasks.values()].filter(({ task }) => task.outputs !== undefined).map(({ name }) => ({ name }));
  try {
    return await createGraph(catalog, names, { root, bind: lenient });
  } catch {
    return { nodes: new Map(), targets: [] }; // A mistake elsewhere; `--check` names it.
  }
}

/** Takes nodes, and all they need, over from a larger graph. */
function withNodes(graph: Graph, everything: Graph, ids: readonly string[]): Graph {
  const nodes = new Map(graph.nodes);
  const open = ids.filter((id) => !nodes.has(id));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const node = everything.nodes.get(id);
    if (node === undefined || nodes.has(id)) continue;
    nodes.set(id, node);
    open.push(...node.edges.map(({ to }) => to));
  }
  return { ...graph, nodes };
}

/** An input written out that neither is there nor is made by anybody is a mistake, not an empty list. */
function checkInputs(graph: Graph, root: string): void {
  const writers = collectWriters(graph.nodes.values());
  const isMade = (reader: Node, input: string): boolean =>
    inferEdges([{ ...reader, inputs: [input] }], writers).length > 0 || reader.edges.some(({ to }) => graph.nodes.get(to)?.outputs.some(isGlob));
  const mistakes = [...graph.nodes.values()].flatMap((node) => {
    const literal = (node.inputs ?? []).filter((input) => !isGlob(input) && !input.startsWith("!"));
    return literal.filter((input) => findStat(path.resolve(root, input)) === undefined && !isMade(node, input)).map((input) => inputMissing(node.id, input));
  });
  if (mistakes.length === 1) throw mistakes[0];
  if (mistakes.length > 1) throw new AggregateError(mistakes);
}

function restTarget(graph: Graph, rest: readonly string[]): string | undefined {
  if (rest.length === 0) return undefined;
  const [target] = graph.targets;
  if (graph.targets.length !== 1 || target === undefined || graph.nodes.get(target)?.task.rest !== true) throw restUnwanted(graph.targets);
  return target;
}

function secretValues(graph: Graph): string[] {
  return [...graph.nodes.values()].flatMap(({ params, task }) =>
    Object.entries(params).flatMap(([name, { value }]) => (task.params?.[name]?.kind === "secret" && typeof value === "string" ? [value] : [])),
  );
}

function checkNeedsFresh(graph: Graph, forecast: Forecast): void {
  for (const target of graph.targets) {
    const stale = waitsFor(graph, target).filter((id) => !forecast.results.has(id));
    if (stale.length > 0 && graph.nodes.get(target)?.isGroup === false) throw onlyStale(target, stale);
  }
}
