/** The tasks of one run and the edges between them. Pure; does not know files, processes or the clock. */
import {
  addressText,
  cellsOf,
  needEntries,
  resolveNeed,
  toNeed,
  type Address,
  type Catalog,
  type NamedTask,
} from "./catalog.ts";
import { isBtError, sited, throwAll } from "./errors.ts";
import { cellOwn, cellUnknown, pathsThrew } from "./errors/graph.ts";
import type { BoundParam } from "./params.ts";
import { pathValues } from "./path-values.ts";
import type { AnyPaths, EdgeKind, Need, TaskBase } from "./task.ts";

/** From a node to one it waits for; `finally` points to one that runs afterwards. */
export interface Edge {
  readonly to: string;
  readonly kind: EdgeKind | "finally";
  /** Name of the result in `needs`. Absent: its own id. */
  readonly as?: string;
  /** Found from paths or by a plugin, not written down. */
  readonly inferred?: boolean;
}

/** One task, one cell of a task, or a group of cells, with its params bound. */
export interface Node {
  /** `build`, `build:s390x`, `build[tag=v1]`. */
  readonly id: string;
  /** Name of the task. */
  readonly name: string;
  readonly task: TaskBase;
  readonly plugin?: string;
  /** Stands for all cells of a matrix; its result is the record of theirs. */
  readonly isGroup: boolean;
  readonly cell: Readonly<Record<string, string>>;
  readonly cellName?: string;
  readonly params: Readonly<Record<string, BoundParam>>;
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  /** Its paths were found by looking at something; only another look can tell whether they still are these. */
  readonly hasFoundPaths: boolean;
  readonly edges: readonly Edge[];
}

export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>;
  /** Ids that were asked for. */
  readonly targets: readonly string[];
}

/** What a graph is made with. */
export interface GraphOptions {
  /** Project root, absolute. */
  readonly root: string;
  /** Gives the params of a task their values. */
  readonly bind: (
    named: NamedTask,
    fixed: Readonly<Record<string, unknown>>,
  ) => Promise<Readonly<Record<string, BoundParam>>>;
  /** Gets what is wrong with one task, which is left out. Absent: all that is wrong is thrown in the end. */
  readonly onMistake?: (mistake: unknown) => void;
}

interface Request {
  readonly address: Address;
  readonly fixed: Readonly<Record<string, unknown>>;
}

/**
 * The targets, `others` with params fixed, and all they need, params bound, edges resolved.
 * @throws BtError or AggregateError of BtErrors TASK_UNKNOWN, CELL_UNKNOWN, CELL_OWN, HANDLE_UNLISTED, PARAM_MISSING, PARAM_WRONG, PATHS_THREW
 */
export async function createGraph(
  catalog: Catalog,
  targets: readonly Address[],
  options: GraphOptions,
  others: readonly Request[] = [],
): Promise<Graph> {
  const nodes = new Map<string, Node>();
  const mistakes: unknown[] = [];
  const open: Request[] = [...targets.map((address) => ({ address, fixed: {} })), ...others];
  for (let request = open.shift(); request !== undefined; request = open.shift()) {
    const id = requestId(catalog, request);
    if (nodes.has(id)) continue;
    try {
      const { node, requests } = await createNode(catalog, request, options);
      nodes.set(id, node);
      open.push(...requests);
    } catch (error) {
      if (options.onMistake === undefined) mistakes.push(error);
      else options.onMistake(error);
    }
  }
  throwAll(mistakes);
  return { nodes, targets: targets.map((address) => requestId(catalog, { address, fixed: {} })) };
}

function requestId(catalog: Catalog, { address, fixed }: Request): string {
  const values = Object.entries(fixed).sort(([a], [b]) => (a < b ? -1 : 1));
  if (values.length === 0) return addressText(address);
  const { params } = catalog.tasks.get(address.name)?.task ?? {};
  const texts = values.map(
    ([name, value]) =>
      `${name}=${params?.[name]?.kind === "secret" ? secretLabel(catalog, name, value) : String(value)}`,
  );
  return `${addressText(address)}[${texts.join(",")}]`;
}

/** Stands for a secret in an id: `***`, and for other values `***2`, `***3` in the order of the builderfile. */
function secretLabel(catalog: Catalog, param: string, value: unknown): string {
  const needs = [...catalog.tasks.values()].flatMap(({ task }) => [
    ...needEntries(task).map(([, need]) => need),
    ...(task.finally ?? []).map(toNeed),
  ]);
  const values: readonly unknown[] = [
    ...new Set(needs.map((need) => need.params?.[param]).filter((one) => one !== undefined)),
  ];
  const at = values.indexOf(value);
  return at < 1 ? "***" : `***${at + 1}`;
}

async function createNode(
  catalog: Catalog,
  request: Request,
  { root, bind }: GraphOptions,
): Promise<{ node: Node; requests: Request[] }> {
  const { address, fixed } = request;
  const named = catalog.tasks.get(address.name)!; // An address is only made from the catalog.
  const { task } = named;
  const cells = cellsOf(task.matrix ?? {});
  const id = requestId(catalog, request);
  const shared = { id, name: address.name, task, ...(named.plugin === undefined ? {} : { plugin: named.plugin }) };
  if (task.matrix !== undefined && address.cellName === undefined) {
    const requests = [...cells.keys()].map((cellName) => ({ address: { name: address.name, cellName }, fixed }));
    const edges = requests.map((cell): Edge => ({
      to: requestId(catalog, cell),
      kind: "result",
      as: cell.address.cellName,
    }));
    return {
      node: { ...shared, isGroup: true, cell: {}, params: {}, outputs: [], hasFoundPaths: false, edges },
      requests,
    };
  }
  const cell = cells.get(address.cellName ?? "") ?? {};
  const params = await bind(named, fixed);
  const bound = {
    params: pathValues(id, task.params, params),
    cell,
    root,
  };
  const givenInputs = callPaths(id, task, "inputs", bound);
  const givenOutputs = callPaths(id, task, "outputs", bound);
  const [inputs, outputs] = [await givenInputs, await givenOutputs];
  const { edges, requests } = resolveEdges(catalog, address, task);
  const node: Node = {
    ...shared,
    isGroup: false,
    cell,
    ...(address.cellName === undefined ? {} : { cellName: address.cellName }),
    params,
    ...(inputs === undefined ? {} : { inputs }),
    outputs: outputs ?? [],
    hasFoundPaths: givenInputs instanceof Promise || givenOutputs instanceof Promise,
    edges,
  };
  return { node, requests };
}

/** @throws BtError PATHS_THREW, PATH_SECRET */
function callPaths(
  id: string,
  task: TaskBase,
  field: "inputs" | "outputs",
  bound: object,
): readonly string[] | undefined | Promise<readonly string[]> {
  const blame = (error: unknown): never => {
    throw isBtError(error) ? sited(error, task.site) : pathsThrew(id, field, error);
  };
  try {
    const paths: AnyPaths | undefined = task[field];
    const found = typeof paths === "function" ? paths(bound as never) : paths; // The bound values have the types that the task declared.
    return found instanceof Promise ? found.catch(blame) : found;
  } catch (error) {
    return blame(error);
  }
}

function resolveEdges(catalog: Catalog, from: Address, task: TaskBase): { edges: Edge[]; requests: Request[] } {
  const edges: Edge[] = [];
  const requests: Request[] = [];
  const mistakes: unknown[] = [];
  const add = (as: string | undefined, need: Need, kind: Edge["kind"]): void => {
    if (!isWanted(from, need)) return;
    const request = { address: resolveAddress(catalog, from, task, need), fixed: need.params ?? {} };
    requests.push(request);
    const to = requestId(catalog, request);
    edges.push({ to, kind, ...(as === undefined ? {} : { as }) });
  };
  const tryAdd = (as: string | undefined, need: Need, kind: Edge["kind"]): void => {
    try {
      add(as, need, kind);
    } catch (error) {
      mistakes.push(error);
    }
  };
  for (const [as, need] of needEntries(task)) tryAdd(as, need, need.kind);
  for (const input of task.finally ?? []) tryAdd(undefined, toNeed(input), "finally");
  throwAll(mistakes);
  return { edges, requests };
}

function isWanted(from: Address, need: Need): boolean {
  try {
    return need.when?.() !== false;
  } catch (error) {
    throw pathsThrew(addressText(from), "when", error);
  }
}

function resolveAddress(catalog: Catalog, from: Address, task: TaskBase, need: Need): Address {
  const address = resolveNeed(catalog, { task: addressText(from), site: task.site }, need);
  const { matrix } = catalog.tasks.get(address.name)?.task ?? {};
  if (need.cellName === undefined) return address;
  const cells = matrix === undefined ? undefined : cellsOf(matrix);
  const names = (): readonly string[] => [...(cells?.keys() ?? [])];
  const cellName = need.cellName === "" ? from.cellName : need.cellName;
  if (cellName === undefined) throw cellOwn(addressText(from), address.name, names(), task.site);
  if (cells?.has(cellName) !== true) throw cellUnknown(address.name, cellName, names(), task.site);
  return { name: address.name, cellName };
}

/** A need that was found, not written down. */
export interface FoundNeed {
  /** Id of the node that needs. */
  readonly from: string;
  readonly need: Need;
  /** Name of the result in `needs`. */
  readonly as: string;
}

/** The same graph with more needs, and all that they need. @throws as createGraph */
export async function withNeeds(
  catalog: Catalog,
  graph: Graph,
  found: readonly FoundNeed[],
  options: GraphOptions,
): Promise<Graph> {
  const resolved = found.flatMap(({ from, need, as }) => {
    const node = graph.nodes.get(from);
    if (node === undefined) return [];
    const address = resolveAddress(catalog, addressOf(node), node.task, need);
    return [{ from, as, kind: need.kind, address, fixed: need.params ?? {} }];
  });
  const more = await createGraph(catalog, [], options, resolved);
  return withEdges(
    { ...graph, nodes: new Map([...more.nodes, ...graph.nodes]) },
    resolved.map(({ from, as, kind, ...request }) => ({
      from,
      edge: { to: requestId(catalog, request), kind, as, inferred: true },
    })),
  );
}

function addressOf({ name, cellName }: Node): Address {
  return { name, ...(cellName === undefined ? {} : { cellName }) };
}

/** The same graph with more edges; edges that exist are not doubled. */
export function withEdges(graph: Graph, added: readonly { readonly from: string; readonly edge: Edge }[]): Graph {
  const nodes = new Map(graph.nodes);
  for (const { from, edge } of added) {
    const node = nodes.get(from);
    if (node !== undefined && !node.edges.some(({ to, kind }) => to === edge.to && kind !== "finally")) {
      nodes.set(from, { ...node, edges: [...node.edges, edge] });
    }
  }
  return { ...graph, nodes };
}

/** Without the nodes that no target leads to. */
export function pruneGraph(graph: Graph): Graph {
  const reached = new Set<string>();
  const open = [...graph.targets];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    open.push(...(graph.nodes.get(id)?.edges ?? []).map(({ to }) => to));
  }
  return { ...graph, nodes: new Map([...graph.nodes].filter(([id]) => reached.has(id))) };
}
