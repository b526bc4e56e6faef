/** A request for tasks, resolved, checked and forecast: everything that can be said before anything runs. Runs nothing. */
import * as path from "node:path";
import { createAssigner, type Assignment } from "./assign.ts";
import { usualWish, type CacheWish } from "./cache/choice.ts";
import { addressText, select, type Catalog, type Selection } from "./catalog.ts";
import { askedIds, createForecast, type DecideOptions, type Forecast } from "./decide.ts";
import { passedEnvironment, taskEnvironment } from "./environment.ts";
import { isBtError, placeErrors, sited, throwAll } from "./errors.ts";
import { inputMissing, pathsThrew, poolUnknown } from "./errors/graph.ts";
import { onlyStale, restUnwanted } from "./errors/request.ts";
import type { Versions } from "./evidence.ts";
import { findStat } from "./files.ts";
import { createGraph, withEdges, withNeeds, type Graph, type GraphOptions, type Node } from "./graph.ts";
import type { GraphTools } from "./hooks.ts";
import type { Entry } from "./journal.ts";
import { sortGraph, waitsFor } from "./order.ts";
import { prepareStateFolder, type Project } from "./load.ts";
import { collectWriters, inferEdges, isGlob, type Writers } from "./paths.ts";
import type { AskParam } from "./params.ts";
import { assemble, type Assembly } from "./plugin.ts";
import { poolsOf } from "./pools.ts";
import { collectSecrets } from "./secret-params.ts";
import type { Secrets } from "./secrets.ts";
import { spareNeeds, type Planned } from "./spared.ts";
import { openState, type State } from "./state.ts";
import type { Surveyed } from "./task.ts";

/** What a caller asks of a project. */
export interface BuildRequest {
  readonly selection: Selection;
  readonly assignments: readonly Assignment[];
  /** Words after `--`. */
  readonly rest: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Run exactly the targets; `force` does not ask whether their needs are up to date. */
  readonly only?: "check" | "force";
  /** Run the targets and what they need even if up to date; `targets`: not what they need. */
  readonly isForced: boolean | "targets";
  /** False: nothing is written below `.bt/`. */
  readonly mayWrite: boolean;
  /** What does not need a failed task runs nevertheless. Default: false. */
  readonly keepGoing?: boolean;
  /** Asks for values of params that are missing. Absent: they are mistakes. */
  readonly ask?: AskParam;
  /** What the nodes came to in a run that is resumed: those that succeeded and have the same key are not run again. */
  readonly journal?: ReadonlyMap<string, Entry>;
  /** Absent: the usual caches, as usual. */
  readonly cache?: CacheWish;
  /** Caches on other machines may be asked what could be left out, until this is aborted. Absent: they are not. */
  readonly asking?: AbortSignal;
  /** Node to the answers of its `versions` that are taken instead of asking. */
  readonly pins?: ReadonlyMap<string, Versions>;
}

/** A request, resolved and checked: everything that can be said before anything runs. */
export interface Prepared extends Planned {
  readonly project: Project;
  readonly assembly: Assembly;
  readonly graph: Graph;
  readonly order: readonly string[];
  readonly state: State;
  readonly secrets: Secrets;
  readonly decide: DecideOptions;
  /** What a node's functions are given that look at the world before it runs. */
  readonly survey: (node: Node) => Surveyed;
  readonly cache: CacheWish;
}

/**
 * Steps 1 to 5 of a build: select, bind params, build the graph, check it, forecast. Runs nothing.
 * @throws BtError or AggregateError of BtErrors: all independent mistakes together
 */
export async function prepare(project: Project, request: BuildRequest): Promise<Prepared> {
  try {
    return await prepareUnplaced(project, request);
  } catch (error) {
    throw placeErrors(error, project.placeOf);
  }
}

async function prepareUnplaced(project: Project, request: BuildRequest): Promise<Prepared> {
  const assembly = assemble(project.builder);
  const { catalog, hooks, settings } = assembly;
  const assigner = createAssigner(request.assignments, {
    env: request.env,
    builderfile: settings.params,
    ...(request.ask === undefined ? {} : { ask: request.ask }),
  });
  const addresses = select(catalog, request.selection);
  const options = { root: project.root, bind: assigner.bind };
  const declared = await createGraph(catalog, addresses, options);
  assigner.checkAllTaken();
  const { keepGoing = false } = request;
  const { graph, mistakes } = await completeGraph(assembly, declared, {
    ...options,
    guess: assigner.guess,
    keepGoing,
  });
  const order = checkGraph(graph, { root: project.root, pools: settings.pools, mistakes });
  const rest = restTarget(graph, request.rest);
  if (request.mayWrite) prepareState(project.root);
  const state = openState(path.join(project.root, ".bt"), { readOnly: !request.mayWrite });
  const { secrets, secretsKey } = collectSecrets(graph, { env: request.env, keyVariable: settings.secretsKey });
  const asked = new Set(askedIds(graph));
  const survey = createSurvey(project, request);
  const decide: DecideOptions = {
    root: project.root,
    env: request.env,
    memo: state.memo,
    hooks,
    codeOf: project.codeOf,
    hide: secrets.hide,
    ...(secretsKey === undefined ? {} : { secretsKey }),
    state,
    isForced: ({ id }) => (request.isForced === "targets" ? asked.has(id) : request.isForced),
    versionsOf: createVersions(survey, request),
    restOf: (node) => (node.id === rest ? request.rest : []),
    ...(request.journal === undefined ? {} : { journal: request.journal }),
  };
  for (const node of graph.nodes.values())
    if (node.task.versions !== undefined) decide.versionsOf(node).catch(() => {}); // All at once; whoever waits for one hears of a failure.
  const cache = request.cache ?? usualWish;
  const whole = await createForecast(graph, order, { ...decide, onlyTargets: request.only !== undefined });
  if (request.only === "check") checkNeedsFresh(graph, whole);
  const spare = { graph, order, decide, wish: cache, asking: request.asking };
  const planned = request.only === undefined ? await spareNeeds(whole, spare) : { forecast: whole };
  return { project, assembly, graph, order, state, secrets, decide, survey, cache, ...planned };
}

/** All tasks with the edges between them, as far as they can be told without values for params. */
export async function outlineGraph(project: Project): Promise<Graph> {
  const assembly = assemble(project.builder);
  return (await completeGraph(assembly, await outlineDeclared(project, assembly), outlining(project.root))).graph;
}

/** The same before any plugin has looked at it, and without the edges that follow from paths. */
export async function outlineDeclared(
  project: Project,
  assembly: Assembly = assemble(project.builder),
): Promise<Graph> {
  const addresses = [...assembly.catalog.tasks.keys()].map((name) => ({ name }));
  return await createGraph(assembly.catalog, addresses, outlining(project.root));
}

function outlining(root: string): GraphOptions {
  const bind: GraphOptions["bind"] = async ({ task: { params = {} } }, fixed) =>
    Object.fromEntries(
      Object.entries(params).map(([name, one]) => [name, { value: fixed[name] ?? one.default, source: "default" }]),
    );
  return { root, bind, onMistake: () => {} };
}

function createSurvey({ root, settings }: Project, { env }: BuildRequest): Prepared["survey"] {
  return (node) => {
    const { params, cell, edges } = node;
    const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
    const needs = edges.flatMap(({ to, as, kind }) => (kind === "result" ? [as ?? to] : []));
    const own = { ...passedEnvironment(env), ...taskEnvironment(node, env) };
    return { root, settings, env: own, params: values as Surveyed["params"], cell, needs }; // The values are the task's own.
  };
}

/** Asks a node for what its result depends on besides files, once a run; nothing is known when nothing may be done. */
function createVersions(
  survey: Prepared["survey"],
  { mayWrite: mayAsk, pins }: BuildRequest,
): DecideOptions["versionsOf"] {
  const asked = new Map<string, Promise<Versions>>();
  return async (node) => {
    const { id, task } = node;
    const pinned = pins?.get(id);
    if (pinned !== undefined) return pinned;
    if (task.versions === undefined || !mayAsk) return {};
    const ask = task.versions;
    const answer = asked.get(id) ?? Promise.resolve().then(() => ask(survey(node) as never)); // The types are the task's own.
    asked.set(id, answer);
    return await answer.catch((error: unknown) => {
      throw isBtError(error) ? sited(error, task.site) : pathsThrew(id, "versions", error);
    });
  };
}

function prepareState(root: string): void {
  try {
    prepareStateFolder(root);
  } catch {
    return; // Opening the state says it better.
  }
}

/** Binds params of tasks that may not be part of the run. */
interface Guess {
  readonly guess?: GraphOptions["bind"];
}

/** Adds the edges that paths imply, until no new task comes in, and those of plugins. */
async function completeGraph(
  { catalog, hooks }: Assembly,
  declared: Graph,
  { keepGoing = false, guess, ...options }: GraphOptions & Pick<BuildRequest, "keepGoing"> & Guess,
): Promise<{ graph: Graph; mistakes: readonly unknown[] }> {
  const hasPaths = [...catalog.tasks.values()].some(({ task }) => task.outputs !== undefined);
  const known = hasPaths
    ? await collectAllWriters(catalog, declared, { ...options, bind: guess ?? options.bind })
    : undefined;
  const follow = async (start: Graph): Promise<Graph> => {
    if (known === undefined) return start;
    let graph = start;
    for (let size = -1; size !== graph.nodes.size;) {
      size = graph.nodes.size;
      const inferred = inferEdges(graph.nodes.values(), known.writers);
      const added = inferred.flatMap(({ edge }) => (graph.nodes.has(edge.to) ? [] : (known.nodes.get(edge.to) ?? [])));
      const more = await createGraph(catalog, added, options);
      graph = withEdges({ ...graph, nodes: new Map([...more.nodes, ...graph.nodes]) }, inferred);
    }
    return graph;
  };
  const graph = await follow(declared);
  const mistakes = known?.writers.mistakes ?? [];
  if (!hooks.graph.isUsed()) return { graph, mistakes };
  const connect: GraphTools["connect"] = async (before, found) =>
    await follow(await withNeeds(catalog, before, found, options));
  const tools: GraphTools = { tasks: catalog.tasks, root: options.root, keepGoing, connect };
  return { graph: await hooks.graph.promise(graph, tools), mistakes };
}

/** Who writes what, whether it is part of the run or not. A task whose paths cannot be told without more params writes nothing. */
async function collectAllWriters(
  catalog: Catalog,
  declared: Graph,
  { root, bind }: GraphOptions,
): Promise<{ writers: Writers; nodes: ReadonlyMap<string, Node> }> {
  const names = [...catalog.tasks.values()]
    .filter(({ task }) => task.outputs !== undefined)
    .map(({ name }) => ({ name }));
  const { nodes } = await createGraph(catalog, names, { root, bind, onMistake: () => {} });
  // A task that this run has with other params is there already.
  const present = new Set([...declared.nodes.values()].map(addressText));
  const others = [...nodes.values()].filter((node) => !present.has(addressText(node)));
  return { writers: collectWriters([...declared.nodes.values(), ...others]), nodes };
}

/** Everything that can be wrong with a whole graph. Returns the order of its nodes. */
function checkGraph(
  graph: Graph,
  {
    root,
    pools,
    mistakes,
  }: { readonly root: string; readonly pools: Readonly<Record<string, number>>; readonly mistakes: readonly unknown[] },
): readonly string[] {
  const nodes = [...graph.nodes.values()];
  const all = [...mistakes, ...findMissingInputs(graph, root)];
  for (const { id, task } of nodes)
    for (const pool of poolsOf(task))
      if (pools[pool] === undefined) all.push(poolUnknown(id, pool, Object.keys(pools), task.site));
  let order: readonly string[] = [];
  try {
    order = sortGraph(graph);
  } catch (error) {
    all.push(error);
  }
  throwAll(all);
  return order;
}

/** An input written out that neither is there nor is made by anybody is a mistake, not an empty list. */
function findMissingInputs(graph: Graph, root: string): unknown[] {
  const writers = collectWriters(graph.nodes.values());
  const isMade = (reader: Node, input: string): boolean =>
    inferEdges([{ ...reader, inputs: [input] }], writers).length > 0 ||
    reader.edges.some(({ to }) => graph.nodes.get(to)?.outputs.some(isGlob));
  const missing = [...graph.nodes.values()].flatMap((node) => {
    const literal = (node.inputs ?? []).filter((input) => !isGlob(input) && !input.startsWith("!"));
    return literal
      .filter((input) => findStat(path.resolve(root, input)) === undefined && !isMade(node, input))
      .map((input) => ({ node, input }));
  });
  // What several cells of a task miss is told once, of the task.
  return missing.flatMap(({ node, input }, at) => {
    const same = missing.filter((other) => other.node.name === node.name && other.input === input);
    if (same[0] !== missing[at]) return [];
    return [inputMissing(same.length === 1 ? node.id : node.name, input, node.task.site)];
  });
}

function restTarget(graph: Graph, rest: readonly string[]): string | undefined {
  if (rest.length === 0) return undefined;
  const [target] = graph.targets;
  if (graph.targets.length !== 1 || target === undefined || graph.nodes.get(target)?.task.rest !== true)
    throw restUnwanted(graph.targets);
  return target;
}

function checkNeedsFresh(graph: Graph, forecast: Forecast): void {
  for (const target of graph.targets) {
    const stale = waitsFor(graph, target).filter((id) => !forecast.results.has(id));
    if (stale.length > 0 && graph.nodes.get(target)?.isGroup === false) throw onlyStale(target, stale);
  }
}
