/** Which recipes a run is for: all that are declared, or the one that `RECIPE=` names, and those of a folder. Builds nothing. */
import { readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Graph, GraphTools, Node, TaskBase } from "../../core/index.ts";
import { lookFor } from "./description.ts";
import { recipeMany, recipeMissing, recipeUnsaid } from "./errors.ts";
import { findRecipe } from "./order.ts";
import { anyRecipe, type Setup } from "./setup.ts";

/** Tasks for which several recipes make no sense. */
const single = new Set([
  "dice-shell",
  "dice-buildlog",
  "kiwi:prepare",
  "kiwi:create",
  "kiwi:build",
  "kiwi:bundle",
  "kiwi:info",
]);

interface Choice {
  readonly setup: Setup;
  /** Builds one recipe of a folder. */
  readonly one: TaskBase;
}

/** @throws BtError KIWI_DICE_RECIPE_UNSAID, KIWI_DICE_RECIPE_MANY, KIWI_DICE_RECIPE_MISSING */
export async function chooseCells(graph: Graph, tools: GraphTools, { setup, one }: Choice): Promise<Graph> {
  setup.root = tools.root;
  const dropped = new Set<string>();
  for (const group of graph.nodes.values()) {
    if (group.plugin !== "kiwi-dice" || !group.isGroup) continue;
    const cells = group.edges.flatMap(({ to }) => graph.nodes.get(to) ?? []);
    for (const { id } of dropCells(group.name, cells, { setup, root: tools.root })) dropped.add(id);
  }
  for (const node of graph.nodes.values()) {
    const isUnsaid = node.cellName === anyRecipe && !dropped.has(node.id) && recipeOf(node) === undefined;
    if (node.plugin === "kiwi-dice" && isUnsaid) throw recipeUnsaid(node.name, Object.keys(setup.options.recipes));
  }
  const kept = [...graph.nodes.values()]
    .filter(({ id }) => !dropped.has(id))
    .map((node): [string, Node] => [node.id, { ...node, edges: node.edges.filter(({ to }) => !dropped.has(to)) }]);
  return await connectRecipes({ ...graph, nodes: new Map(kept) }, tools, one);
}

/** The cells of a group that nobody means. */
function dropCells(
  task: string,
  cells: readonly Node[],
  { setup, root }: { setup: Setup; root: string },
): readonly Node[] {
  const asked = cells.map(recipeOf).find((recipe) => recipe !== undefined);
  const declared = Object.keys(setup.options.recipes);
  if (asked !== undefined) {
    const meant = findRecipe(setup.options, asked, root) ?? anyRecipe;
    return cells.filter(({ cellName }) => cellName !== meant);
  }
  if (declared.length === 0) throw recipeUnsaid(task, declared);
  if (declared.length > 1 && single.has(task)) throw recipeMany(task, declared);
  return cells.filter(({ cellName }) => cellName === anyRecipe);
}

function recipeOf({ params }: Node): string | undefined {
  const value = params["recipe"]?.value;
  return typeof value === "string" ? value : undefined;
}

/** A task for every recipe of the folder that `dice-schedule` is for. */
async function connectRecipes(graph: Graph, { root, connect }: GraphTools, one: TaskBase): Promise<Graph> {
  const node = [...graph.nodes.values()].find(({ name, plugin }) => name === "dice-schedule" && plugin === "kiwi-dice");
  if (node === undefined) return graph;
  const dir = String(node.params["dir"]?.value);
  const { recipes } = await listRecipes(resolve(root, dir), dir);
  const found = recipes.map((name) => {
    const recipe = relative(root, join(resolve(root, dir), name));
    return { from: node.id, need: { need: one, kind: "order" as const, params: { recipe } }, as: recipe };
  });
  return await connect(graph, found);
}

/** What is in a folder of recipes, by name. @throws BtError KIWI_DICE_RECIPE_MISSING */
export async function listRecipes(folder: string, label: string): Promise<{ recipes: string[]; others: string[] }> {
  const names = readNames(folder, label);
  const isRecipe = await Promise.all(names.map(async (name) => (await lookFor(join(folder, name))) !== undefined));
  return {
    recipes: names.filter((_, at) => isRecipe[at]),
    others: names.filter((_, at) => isRecipe[at] !== true),
  };
}

function readNames(folder: string, label: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith("."))
      .sort();
  } catch {
    throw recipeMissing(label);
  }
}
