/** How the tasks are tied into a run: their needs, what their keys hold, and what always runs. Does not do their work. */
import {
  describeTool,
  type BoundHooks,
  type DoctorPlace,
  type Leaf,
  type Node,
  type Requirement,
  type TaskBase,
} from "../../core/index.ts";
import type { Shop } from "./shop.ts";
import { installs } from "./tools.ts";

/** Params that say what to run, not what comes out. */
const asking = ["kernelVersions", "refresh", "withChildren", "libguestfsBackend", "libguestfsBackendSettings"];

/**
 * Raised when the steps make something else of the same data. Without it the code of a task would hold all of kernels.json,
 * and one kernel's option would build all kernels.
 */
const stepsVersion = "kernel-rootfs 2";

export function tap(hooks: BoundHooks, shop: Shop, tasks: Readonly<Record<string, TaskBase>>): void {
  const keyOf = new Map(Object.entries(tasks).map(([key, { handle }]) => [handle, key]));
  let root = "";
  hooks.graph.tap(async (graph, graphTools) => {
    ({ root } = graphTools);
    if (![...graph.nodes.values()].some(({ task }) => keyOf.has(task.handle))) return graph;
    return (await import("./link.ts")).linkGraph(graph, graphTools, { shop, tasks, keyOf });
  });
  hooks.beforeRun.tap(async (graph, due) => {
    const nodes = [...graph.nodes.values()].filter(({ id, task }) => due.has(id) && keyOf.has(task.handle));
    if (nodes.length > 0) await (await import("./preflight.ts")).checkHost(nodes, { shop, keyOf, root });
  });
  hooks.fingerprint.tap(async (leaves, node) => {
    const key = keyOf.get(node.task.handle);
    if (key === undefined || node.isGroup) return leaves;
    const own: readonly Leaf[] = (await import("./leaves.ts")).leavesOf(key, node, {
      shop,
      family: await shop.family(),
    });
    const mine = leaves.filter(({ name }) => name !== "code" && !asking.some((one) => name === `param/${one}`));
    return [...mine, { name: "code", value: stepsVersion }, ...own];
  });
  hooks.plan.tap((step, node) => {
    const key = keyOf.get(node.task.handle);
    if (key === undefined || node.isGroup || step.action === "run") return step;
    if (node.params["buildMode"]?.value === "container") return { action: "run", because: [{ kind: "always" }] };
    return isRefreshed(key, node) ? { action: "run", because: [{ kind: "forced" }] } : step;
  });
  hooks.doctor.tap((known, { env }) => [
    ...known,
    ...Object.entries(installs).map(([name, install]) => requirementOf(name, install, env)),
  ]);
}

/** `all`, `kernel:6.12` and `rootfs:base.qcow2` name things; what is made from them follows by itself. */
function isRefreshed(key: string, { params, cell }: Node): boolean {
  const asked = params["refresh"]?.value as readonly string[] | undefined; // A list, as params.ts declares it.
  const own = cell["kernel"] === undefined ? `rootfs:${cell["image"]}` : `kernel:${cell["kernel"]}`;
  const isFirst = key === "kernel:fetch" || key === "kernel:build" || key.startsWith("rootfs:");
  return isFirst && (asked?.some((one) => one === "all" || one === own) ?? false);
}

/** What Debian has, the other distributions have too, under names that core knows. */
function requirementOf(name: string, install: string, env: DoctorPlace["env"]): Requirement {
  const facts = { plugin: "kernel-rootfs", env };
  return describeTool(name, install.startsWith("apt-get ") ? facts : { ...facts, install });
}
