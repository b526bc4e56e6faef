/** The graph of a run: only what was asked for, parents before children, everything checked before anything starts. Starts nothing. */
import { pruneGraph, type FoundNeed, type Graph, type GraphTools, type Node } from "../../core/index.ts";
import { createSlots } from "../multiarch-manifest/index.ts";
import { findArch, suffixOf } from "./arch.ts";
import { bindNode } from "./bind.ts";
import type { Cell } from "./cell.ts";
import type { SideValues } from "./params.ts";
import { cellsOf, closeCells, createPlan, groupOf, parentsOf, sourceNeedsRelease, type SidePlan } from "./plan.ts";
import { pendingTag } from "./release-tag.ts";
import { findRole, parentName, type Role, type Site } from "./role.ts";
import { throwMistakes } from "./mistakes.ts";
import { findEarlyMistakes } from "./references-task.ts";
import { findSlots } from "./values.ts";

/** @throws BtError: what is wrong, or all that is wrong */
export async function connectCells(graph: Graph, tools: GraphTools, site: Site): Promise<Graph> {
  const { components, options } = site;
  const first = [...graph.nodes.values()].find(
    (node) => findRole(site, node.task) !== undefined && node.params["components"] !== undefined,
  );
  if (first === undefined) return graph;
  const values = Object.fromEntries(
    Object.entries(first.params).map(([name, { value }]) => [name, value]),
  ) as unknown as SideValues; // As params.ts declares them.
  const facts = { root: tools.root, options, values, known: components, env: process.env };
  const plan = await createPlan(facts);
  site.plan = plan;
  site.renew = async (tag) => (site.plan = await createPlan({ ...facts, tag }));
  site.slots = createSlots(findSlots(values.parallel) ?? Number.POSITIVE_INFINITY);
  site.groups.clear();
  site.cells.clear();
  site.made.clear();
  site.resolved.clear();
  const wiring: Wiring = { site, plan, tools, targets: graph.targets };
  let current = await narrow(graph, wiring);
  const seen = new Set<string>();
  for (;;) {
    const fresh = [...current.nodes.values()].filter(({ id }) => !seen.has(id));
    if (fresh.length === 0) break;
    const found: FoundNeed[] = [];
    for (const node of fresh) {
      seen.add(node.id);
      found.push(...(await findNeeds(node, wiring)));
    }
    if (found.length > 0) current = await narrow(await tools.connect(current, found), wiring);
  }
  current = await warnFirst(await checkFirst(current, wiring), wiring);
  throwMistakes([...plan.mistakes, ...(await findEarlyMistakes(site))]);
  const nodes = new Map<string, Node>();
  for (const [id, node] of current.nodes) nodes.set(id, await bindNode(node, site, plan));
  return { ...current, nodes };
}

interface Wiring {
  readonly site: Site;
  readonly plan: SidePlan;
  readonly tools: GraphTools;
  readonly targets: readonly string[];
}

/** Edges to components and architectures that nobody asked for are left out, and what only they lead to. */
async function narrow(graph: Graph, { site, plan }: Wiring): Promise<Graph> {
  const nodes = new Map(graph.nodes);
  for (const node of graph.nodes.values()) {
    const role = findRole(site, node.task);
    if (role === undefined) continue;
    if (role.component === undefined) {
      const wanted = await findWanted(role, plan);
      const isWanted = (to: string): boolean => {
        const { component } = findRole(site, graph.nodes.get(to)?.task ?? node.task) ?? {};
        return component === undefined || wanted.includes(component);
      };
      nodes.set(node.id, { ...node, edges: pushEdges(node, role, { site, plan }).filter(({ to }) => isWanted(to)) });
    } else if (node.isGroup) {
      const cells = await cellsOf(plan, role.component);
      const wanted = cells.filter((cell) => role.kind === "image" || hasTree(cell)).map(({ suffix }) => suffix);
      nodes.set(node.id, { ...node, edges: node.edges.filter(({ as = "" }) => wanted.includes(as)) });
    }
  }
  return pruneGraph({ ...graph, nodes });
}

/** The components that a task without a component is about: for sources and binaries those that have a tree. */
async function findWanted({ kind }: Role, plan: SidePlan): Promise<readonly string[]> {
  if (kind !== "src" && kind !== "binaries") return plan.components;
  const cells = await Promise.all(plan.components.map((component) => cellsOf(plan, component)));
  return plan.components.filter((_, at) => cells[at]?.some(hasTree) === true);
}

/** `side-images:push` needs one push task for each group. */
function pushEdges({ edges }: Node, { kind }: Role, { site, plan }: Pick<Wiring, "site" | "plan">): Node["edges"] {
  if (kind !== "push") return edges;
  const leaders = leadersOf(plan).map((component) => `side-images:push:${component}`);
  for (const component of leadersOf(plan)) site.groups.set(component, groupOf(plan, component));
  return edges.filter(({ to }) => leaders.includes(to));
}

function leadersOf(plan: SidePlan): readonly string[] {
  return plan.components.filter((component) => groupOf(plan, component)[0] === component);
}

function hasTree(cell: Cell): boolean {
  return cell.kind === "dockerfile" && cell.needsTree;
}

async function findNeeds(node: Node, wiring: Wiring): Promise<readonly FoundNeed[]> {
  const role = findRole(wiring.site, node.task);
  if (role === undefined || node.isGroup) return [];
  const own = await findOwnNeeds(node, role, wiring);
  if (wiring.plan.tagCommand === undefined || !(await asksForTag(node, role, wiring.plan))) return own;
  return [...own, { from: node.id, need: { need: "side-images:tag", kind: "result" }, as: "tag" }];
}

/** Whether a command's tag is part of what a task makes. */
async function asksForTag({ cell }: Node, { kind, component = "" }: Role, plan: SidePlan): Promise<boolean> {
  switch (kind) {
    case "all":
    case "plan":
    case "references":
    case "manifest":
    case "push":
    case "archive":
      return true;
    case "image": {
      const arch = findArch(cell["arch"] ?? "");
      const planned = arch === undefined ? undefined : await plan.cell(component, arch);
      return JSON.stringify(planned ?? {}).includes(pendingTag);
    }
    case "src":
    case "binaries":
    case "tag":
    case "warnings":
    case "other":
      return false;
  }
}

async function findOwnNeeds(node: Node, role: Role, wiring: Wiring): Promise<readonly FoundNeed[]> {
  const { component } = role;
  const need: MakeNeed = (name, as, cellName) => ({
    from: node.id,
    need: { need: `side-images:${name}`, kind: "result", ...(cellName !== undefined && { cellName }) },
    as,
  });
  if (component === undefined) return findCommonNeeds(role, wiring, need);
  const { plan } = wiring;
  switch (role.kind) {
    case "push":
      return findGroup(node, component, wiring).map((name) => need(`manifest:${name}`, name));
    case "manifest":
      return (await cellsOf(plan, component)).map(({ suffix }) => need(`image:${component}`, suffix, suffix));
    case "src":
      return sourceNeedsRelease(plan, component) ? [need("references", "references")] : [];
    case "binaries":
    case "image":
      return findCellNeeds(node, { component, kind: role.kind }, { ...wiring, need });
    case "all":
    case "plan":
    case "references":
    case "archive":
    case "tag":
    case "warnings":
    case "other":
      return [];
  }
}

type MakeNeed = (name: string, as: string, cellName?: string) => FoundNeed;

function findCommonNeeds({ kind }: Role, { plan, site }: Wiring, need: MakeNeed): readonly FoundNeed[] {
  if (kind === "archive") return plan.components.map((name) => need(`manifest:${name}`, name));
  if (kind !== "all" || !plan.values.push) return [];
  return leadersOf(plan).map((name) => {
    site.groups.set(name, groupOf(plan, name));
    return need(`push:${name}`, `push ${name}`);
  });
}

/** Asked for by its own name, a component is published alone unless the builderfile lists its group. */
function findGroup({ id }: Node, component: string, { site, plan, targets }: Wiring): readonly string[] {
  const { publishGroup = plan.options.publishGroup ?? "all" } = plan.values;
  const own = targets.includes(id) && publishGroup === "all" ? [component] : groupOf(plan, component);
  const group = site.groups.get(component) ?? (own.length === 0 ? [component] : own);
  site.groups.set(component, group);
  return group;
}

async function findCellNeeds(
  node: Node,
  { component, kind }: { readonly component: string; readonly kind: Role["kind"] },
  { site, plan, need }: Wiring & { readonly need: MakeNeed },
): Promise<readonly FoundNeed[]> {
  const arch = findArch(node.cell["arch"] ?? "");
  const cell = arch === undefined ? undefined : await plan.cell(component, arch);
  if (cell === undefined) return [];
  const isBuiltInTree = hasTree(cell);
  const source = isBuiltInTree && plan.options.source?.useLocal !== true ? [need(`src:${component}`, "source")] : [];
  if (kind === "binaries") return source;
  site.cells.set(cell.id, cell);
  await closeCells(plan, [cell]);
  return [
    ...parentsOf(cell).map((parent) => need(`image:${parent.component}`, parentName(parent), suffixOf(parent.arch))),
    ...source,
    ...(isBuiltInTree ? [need(`binaries:${component}`, "binaries", cell.suffix)] : []),
    ...(cell.kind === "image" && cell.source.kind === "release" ? [need("references", "references")] : []),
  ];
}

/**
 * The tag of a command, what the release says, and the commits of all sources are checked before any cell starts, so that a mistake costs
 * no build. With `-k` a source that is not there ends the cells of its component only.
 */
async function checkFirst(graph: Graph, { site, tools }: Wiring): Promise<Graph> {
  const kindOf = (node: Node): Role["kind"] | undefined => findRole(site, node.task)?.kind;
  const nodes = [...graph.nodes.values()].filter(({ isGroup }) => !isGroup);
  const ofKinds = (kinds: readonly Role["kind"][]): readonly Node[] =>
    nodes.filter((node) => kinds.includes(kindOf(node) ?? "other"));
  const wait = (waiting: readonly Node[], first: readonly Node[]): readonly FoundNeed[] =>
    waiting.flatMap(({ id }) =>
      first.map(({ name }): FoundNeed => ({ from: id, need: { need: name, kind: "order" }, as: `checked ${name}` })),
    );
  const cells = ofKinds(["image", "binaries"]);
  const sources = ofKinds(["src"]);
  const found = [
    ...wait([...cells, ...sources], ofKinds(["tag", "references"])),
    ...(tools.keepGoing ? [] : wait(cells, sources)),
  ];
  return found.length === 0 ? graph : tools.connect(graph, found);
}

/** Warnings are read before what they are about is made, also when nothing has to be. */
async function warnFirst(graph: Graph, { site, plan, tools, targets }: Wiring): Promise<Graph> {
  if (plan.warnings.length === 0) return graph;
  const waiting = [...graph.nodes.values()].filter(({ id, task, isGroup }) => {
    const { kind = "other" } = findRole(site, task) ?? {};
    if (kind === "plan" || kind === "other" || kind === "tag") return false; // The plan shows them itself.
    return !isGroup || targets.includes(id);
  });
  return tools.connect(
    graph,
    waiting.map(({ id }) => ({ from: id, need: { need: "side-images:warnings", kind: "order" }, as: "warned" })),
  );
}
