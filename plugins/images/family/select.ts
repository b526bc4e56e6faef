/** Shapes the graph of a run for families: which versions an aggregate means, and what cannot be asked for. Starts nothing. */
import { hostPlatform, ociPlatform, type Edge, type Graph, type Node } from "../../../core/index.ts";
import { emulate } from "./engine.ts";
import { checkRecipe, hasRun, readDockerfile } from "./inputs.ts";
import { loadSeveral, platformsDiffer, pushSeveral, terminalMissing, versionUnknown } from "./errors.ts";
import { findTool } from "./commands.ts";
import { findRole, type Role } from "./role.ts";
import { checkPlatform } from "./table.ts";
import { narrowedVersions, toolOf, type Values } from "./variables.ts";

/**
 * The same graph with narrowed aggregates, without what nobody needs then.
 * @throws BtError IMAGES_FAMILY_DOCKERFILE, IMAGES_FAMILY_ARG, IMAGES_FAMILY_ENGINE, IMAGES_FAMILY_VERSION, IMAGES_FAMILY_PUSH_SEVERAL, IMAGES_FAMILY_PLATFORMS, IMAGES_FAMILY_LOAD, IMAGES_FAMILY_TERMINAL
 */
export async function shapeGraph(graph: Graph): Promise<Graph> {
  const isAsked = (id: string): boolean => graph.targets.includes(id) && !isEverything(graph);
  const nodes: Node[] = [];
  for (const node of graph.nodes.values()) {
    const role = findRole(node.task);
    if (role === undefined) nodes.push(node);
    else nodes.push(await shapeNode(node, role, { graph, isAsked: isAsked(node.id) }));
  }
  const shaped = withoutUnneeded({ ...graph, nodes: new Map(nodes.map((node) => [node.id, node])) });
  for (const { task } of shaped.nodes.values()) {
    const { kind, family, version } = findRole(task) ?? {};
    if (family === undefined || version === undefined || (kind !== "build" && kind !== "multi")) continue;
    checkRecipe(process.cwd(), family, version); // bt has made the project's folder the working one.
  }
  return shaped;
}

/** A shell needs a terminal, and a dry run does not. @throws BtError IMAGES_FAMILY_TERMINAL */
export function checkTerminal(graph: Graph): void {
  if (process.stdin.isTTY === true) return;
  for (const node of graph.nodes.values()) {
    const { kind, family, version } = findRole(node.task) ?? {};
    if (kind === "shell" && graph.targets.includes(node.id) && valuesOf(node).cmd === undefined)
      throw terminalMissing(`${family!.name}_${version!.version}`); // Every shell is that of a version.
  }
}

async function shapeNode(
  node: Node,
  role: Role,
  { graph, isAsked }: { readonly graph: Graph; readonly isAsked: boolean },
): Promise<Node> {
  const [mistake] = role.family.mistakes;
  if (mistake !== undefined && node.name !== "family:check") throw mistake;
  const values = valuesOf(node);
  if (role.kind === "common") {
    if (isAsked) await role.prepare?.(values as unknown as Readonly<Record<string, string | undefined>>); // Values of that task's own params.
    return node;
  }
  checkNode(role, values, isAsked);
  if (isAsked) await checkEmulation(role, values);
  return { ...node, edges: node.edges.filter((edge) => isWanted(role, values, graph.nodes.get(edge.to), edge)) };
}

/** Looks before anything is built whether foreign programs can run. */
async function checkEmulation({ kind, family, version }: Role, values: Values): Promise<void> {
  const { engine } = toolOf(values);
  const mode = values.emulation ?? "auto";
  if (kind === "shell" || kind === "run")
    await emulate([ociPlatform(values.arch ?? hostPlatform().arch)], mode, engine);
  if (version === undefined || (kind !== "multi" && kind !== "push-multi")) return;
  const platforms = (values.platforms ?? []).length > 0 ? (values.platforms ?? []) : version.platforms;
  if (hasRun(readDockerfile(process.cwd(), family, version) ?? "")) await emulate(platforms, mode, engine);
}

/** `--check` asks for all tasks; it must not stumble over those that are there to refuse. */
function isEverything({ targets, nodes }: Graph): boolean {
  const shells = [...nodes.values()].filter(({ task }) => findRole(task)?.kind === "shell");
  return targets.includes("family:check") && shells.length > 0 && shells.every(({ id }) => targets.includes(id));
}

function valuesOf({ params }: Node): Values {
  return Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value])) as unknown as Values; // The params of variables.ts.
}

function checkNode(role: Role, values: Values, isAsked: boolean): void {
  const { family, version, kind } = role;
  const tool = toolOf(values);
  const known = [...family.versions.keys()];
  for (const name of narrowedVersions(family, values) ?? [])
    if (!known.includes(name)) throw versionUnknown(family.name, name, known);
  const { platforms: given = [], buildxOutput = "" } = values;
  for (const platform of given) checkPlatform(platform, undefined);
  if (version === undefined) return;
  const platforms = given.length > 0 ? given : version.platforms;
  const task = `${family.name}_${version.version}`;
  if (kind === "push" && version.platforms.length > 1 && isAsked) throw pushSeveral(task, version.platforms);
  if (kind === "push-multi" && version.hasPlatforms && !isSameSet(platforms, version.platforms))
    throw platformsDiffer(task, { given: platforms, declared: version.platforms });
  if (kind === "multi" && platforms.length > 1 && tool.engine === "docker" && /(^|\s)--load\b/.test(buildxOutput))
    throw loadSeveral(task, platforms);
  if (kind === "run" && isAsked && values.cmd === undefined) throw terminalMissing(task);
}

function isWanted(role: Role, values: Values, to: Node | undefined, { kind }: Edge): boolean {
  const target = to === undefined ? undefined : findRole(to.task);
  if (target?.version === undefined || kind === "finally" || target.family !== role.family) return true;
  if (role.kind === "all" || role.kind === "push-all") {
    const narrowed = narrowedVersions(role.family, values);
    return narrowed === undefined ? !target.version.isEol : narrowed.includes(target.version.version);
  }
  // docker builds and pushes several platforms in one step.
  return !(role.kind === "push-multi" && findTool(values.containerCli)?.engine === "docker");
}

function withoutUnneeded(graph: Graph): Graph {
  const needed = new Set(graph.targets);
  for (const id of needed) for (const { to } of graph.nodes.get(id)?.edges ?? []) needed.add(to);
  return { ...graph, nodes: new Map([...graph.nodes].filter(([id]) => needed.has(id))) };
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}
