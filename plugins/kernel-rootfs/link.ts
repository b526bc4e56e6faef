/** Looks at a run before it starts: all data is checked, what was not asked for is left out, and every task gets its needs. */
import {
  isBtError,
  pruneGraph,
  type BtError,
  type FoundNeed,
  type Graph,
  type GraphTools,
  type Need,
  type Node,
  type TaskBase,
} from "../../core/index.ts";
import { archUnsupported, pkgRepoContradicts, sourceForeign } from "./errors.ts";
import { findLimit } from "./backend.ts";
import { bootableUnsupported, urlMissing } from "./data-errors.ts";
import type { Family } from "./family.ts";
import { needsOf, type Wanted } from "./needs.ts";
import { checkRequest } from "./request.ts";
import type { Shop } from "./shop.ts";
import { throwTogether } from "./together.ts";

export interface Links {
  readonly shop: Shop;
  readonly tasks: Readonly<Record<string, TaskBase>>;
  /** Name of a task of the plugin, by its handle. */
  readonly keyOf: ReadonlyMap<object, string>;
}

/**
 * The graph with the needs of the plugin's tasks.
 * @throws BtError KERNEL_ROOTFS_…: all mistakes together
 */
export async function linkGraph(graph: Graph, { connect, root }: GraphTools, links: Links): Promise<Graph> {
  const family = await links.shop.family();
  const linked = new Set<string>();
  let current = prune(graph, links);
  for (;;) {
    const fresh = [...current.nodes.values()].filter(({ id, isGroup }) => !isGroup && !linked.has(id));
    if (fresh.length === 0) break;
    for (const { id } of fresh) linked.add(id);
    const found = fresh.flatMap((node) => foundNeeds(node, family, links));
    current = prune(await connect(current, found), links);
  }
  checkNodes(current, family, { ...links, root });
  return quarantine(current, family, links);
}

function foundNeeds(node: Node, family: Family, { keyOf, tasks, shop }: Links): readonly FoundNeed[] {
  const key = keyOf.get(node.task.handle);
  if (key === undefined) return [];
  const values = valuesOf(node);
  const fixed = Object.fromEntries(
    Object.entries(node.params).flatMap(([name, { value, source }]) => (source === "need" ? [[name, value]] : [])),
  );
  return needsOf({ key, cell: node.cell, values }, { family, options: shop.options }).map((wanted) => ({
    from: node.id,
    as: wanted.as,
    need: toNeed(wanted, tasks[wanted.task]!, fixed), // The table names tasks that are described.
  }));
}

function valuesOf({ params }: Node): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
}

/** Params that were fixed for a task are fixed for what it needs. */
function toNeed(wanted: Wanted, task: TaskBase, fixed: Readonly<Record<string, unknown>>): Need {
  const forwarded = Object.entries({ ...fixed, ...wanted.params }).filter(
    ([name]) => task.params?.[name] !== undefined,
  );
  return {
    need: task,
    kind: "result",
    ...(wanted.cell === undefined ? {} : { cellName: wanted.cell }),
    ...(forwarded.length === 0 ? {} : { params: Object.fromEntries(forwarded) }),
  };
}

/** A kernel in quarantine may fail: that is told, and fails nothing else. */
function quarantine(graph: Graph, family: Family, { keyOf }: Links): Graph {
  const nodes = [...graph.nodes].map(([id, node]): [string, Node] => {
    const isOurs = keyOf.has(node.task.handle) && family.kernels.get(node.cell["kernel"] ?? "")?.isQuarantined === true;
    return [id, isOurs ? { ...node, task: { ...node.task, allowFailure: true } } : node];
  });
  return { ...graph, nodes: new Map(nodes) };
}

/** Cells that KERNEL_VERSIONS or PKG_REPO do not name are left out of the groups, and so is what only they need. */
function prune(graph: Graph, { keyOf }: Links): Graph {
  const nodes = new Map(graph.nodes);
  for (const node of graph.nodes.values()) {
    if (!node.isGroup || !keyOf.has(node.task.handle)) continue;
    const edges = node.edges.filter(({ to }) => isAsked(graph.nodes.get(to)));
    nodes.set(node.id, { ...node, edges });
  }
  return pruneGraph({ ...graph, nodes });
}

function isAsked(node: Node | undefined): boolean {
  if (node === undefined) return false;
  const { kernel, suite } = node.cell;
  const kernels = node.params["kernelVersions"]?.value as readonly string[] | undefined; // A list, as params.ts declares it.
  if (kernel !== undefined && kernels !== undefined) return kernels.includes(kernel);
  return suite === undefined || suite === node.params["pkgRepo"]?.value;
}

/** What is wrong with what was asked for, before anything starts. */
function checkNodes(graph: Graph, family: Family, { keyOf, shop, root }: Links & { readonly root: string }): void {
  const mistakes: BtError[] = [];
  const isLast = ![...graph.nodes.values()].some(({ task }) => keyOf.get(task.handle) === "rootfs:install-kernel");
  for (const node of graph.nodes.values()) {
    const key = keyOf.get(node.task.handle);
    if (key === undefined || node.isGroup) continue;
    try {
      checkRequest(key, valuesOf(node), { shop, family, root, isLast: isLast || key === "rootfs:install-kernel" });
    } catch (error) {
      if (!isBtError(error)) throw error;
      mistakes.push(error);
    }
    const image = family.images.get(node.cell["image"] ?? "");
    if (key === "rootfs:pack" && image?.bootable === true && image.parent === undefined)
      if (node.params["rootfsBackend"]?.value === "mke2fs") mistakes.push(bootableUnsupported(image.at, image.name));
    const limit = findLimit(key, valuesOf(node), shop);
    if (limit !== undefined) mistakes.push(limit);
    const kernel = family.kernels.get(node.cell["kernel"] ?? "");
    if (kernel === undefined) continue;
    const repo = node.params["pkgRepo"];
    if (repo !== undefined && /command line|environment/.test(repo.source) && repo.value !== kernel.pkgRepo)
      if (key in (shop.options.flavors ?? {}))
        mistakes.push(pkgRepoContradicts(kernel.name, String(repo.value), kernel.pkgRepo));
    if (!key.startsWith("kernel:") || key === "kernel:diff-config") continue;
    const arch = node.params["targetArch"]?.value;
    if (typeof arch === "string" && !kernel.platforms.some((one) => one === arch))
      mistakes.push(archUnsupported(kernel.name, arch, kernel.platforms));
    if (key !== "kernel:fetch") continue;
    if (kernel.source === undefined) mistakes.push(urlMissing(kernel.name, kernel.at));
    else if (kernel.source.kind === "src-rpm") mistakes.push(sourceForeign(kernel.name, "a source rpm"));
  }
  throwTogether(mistakes);
}
