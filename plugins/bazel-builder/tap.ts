/** Looks at a run before it starts: leaves out what was not asked for, refuses what cannot work. Loads no work. */
import {
  describeTool,
  packagesOf,
  pruneGraph,
  type Arch,
  type BoundHooks,
  type DoctorPlace,
  type Graph,
  type Node,
  type Requirement,
} from "../../core/index.ts";
import { needName } from "./names.ts";
import { findRegistryCode, hostMissing, imageUnknown } from "./errors.ts";
import type { Shop, Variant } from "./options.ts";
import { chosenArches, type BuilderValues, type PushValues } from "./params.ts";

/** Taps of the plugin. */
export function tapRun(shop: Shop): (hooks: BoundHooks) => void {
  return (hooks) => {
    let root = "";
    hooks.config.tap((settings) => ({ ...settings, pools: { bazel: 1, ...settings.pools } }));
    hooks.event.tap((event) => {
      if (event.kind === "run-started") {
        shop.failures.clear();
        root = event.root;
      }
      if (event.kind !== "task-state" || event.state !== "done" || event.failure === undefined) return;
      const { code, problem, detail } = event.failure;
      const exitCode = event.failure.exitCode > 2 ? event.failure.exitCode : findRegistryCode(code);
      shop.failures.set(event.task, {
        problem: detail?.findLast((line) => line.trim() !== "") ?? problem,
        exitCode: exitCode ?? event.failure.exitCode,
      });
    });
    hooks.graph.tap((graph) => narrowGraph(graph, shop));
    hooks.doctor.tap((known, { env }) => [...known, ...findPrograms(shop, env)]);
    hooks.beforeRun.tap(async (graph) => {
      const mistakes = await findMistakes(graph, shop, root);
      if (mistakes.length === 1) throw mistakes[0];
      if (mistakes.length > 1) throw new AggregateError(mistakes);
    });
  };
}

/** What the tasks start, beside container engines. */
function findPrograms({ options }: Shop, env: DoctorPlace["env"]): readonly Requirement[] {
  const usesBazel = options.push !== undefined || options.bazel !== undefined;
  const plugin = "bazel-builder";
  const bazel = describeTool(options.bazel?.program ?? "bazel", { plugin, env, install: packagesOf("bazel") });
  return [describeTool("git", { plugin, env }), ...(usesBazel ? [bazel] : [])];
}

function isBuild(name: string): boolean {
  return /^builder-build(-|$)/.test(name);
}

/** Images of other variants and architectures than those that were asked for are not built. */
function narrowGraph(graph: Graph, shop: Shop): Graph {
  const nodes = new Map(graph.nodes);
  for (const node of graph.nodes.values()) {
    if (!isBuild(node.name)) continue;
    const wanted = wantedNeeds(node, shop);
    nodes.set(node.id, {
      ...node,
      edges: node.edges.filter(({ as }) => as === undefined || wanted.has(as) || !isImageNeed(as, shop)),
    });
  }
  return pruneGraph({ ...graph, nodes });
}

function isImageNeed(as: string, { variants }: Shop): boolean {
  return variants.some(({ name }) => as.startsWith(`${name} `));
}

function wantedNeeds(node: Node, shop: Shop): ReadonlySet<string> {
  const variant = variantOfNode(node, shop);
  const chosen = chosenArches(shop, valuesOf<BuilderValues>(node));
  const parts: (Arch | "cross")[] = [...chosen, ...(chosen.includes(variant.crossArch) ? (["cross"] as const) : [])];
  return new Set(parts.map((part) => needName(variant.name, part)));
}

function variantOfNode(node: Node, { variants }: Shop): Variant {
  const { variant } = valuesOf<BuilderValues>(node);
  if (variant !== undefined) return variants.find(({ name }) => name === variant) ?? variants[0]!; // VARIANT is one of them.
  return variants.find(({ name }) => node.edges.some(({ as }) => as?.startsWith(`${name} `))) ?? variants[0]!;
}

function valuesOf<T>(node: Node): Partial<T> {
  return Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, value])) as Partial<T>; // As params.ts declares them.
}

async function findMistakes(graph: Graph, shop: Shop, root: string): Promise<readonly unknown[]> {
  const mistakes: unknown[] = [];
  for (const node of graph.nodes.values()) {
    if (node.name === "bazel-push") mistakes.push(...findPushMistakes(valuesOf<PushValues>(node), shop));
    if (node.name === "builder-bump") mistakes.push(...(await findBumpMistakes(node, shop, root)));
  }
  return [...new Map(mistakes.map((one) => [one instanceof Error ? one.message : one, one])).values()];
}

function findPushMistakes({ prefix = "", targets = [] }: Partial<PushValues>, { options }: Shop): readonly unknown[] {
  const known = Object.keys(options.push?.images ?? {});
  const wrong = targets.filter((target) => !known.includes(target)).map((target) => imageUnknown(target, known));
  const [host = ""] = prefix.split("/");
  const isHost = host.includes(".") || host.includes(":") || host === "localhost";
  return isHost ? wrong : [...wrong, hostMissing("DOCKER_PREFIX", prefix)];
}

async function findBumpMistakes(node: Node, shop: Shop, root: string): Promise<readonly unknown[]> {
  const { findTargets } = await import("./bump.ts");
  const variant = variantOfNode(node, shop);
  try {
    await findTargets(root, shop, variant);
  } catch (error) {
    return [error];
  }
  return [];
}
