/** Needs between image tasks, found in their FROM lines. Does not build anything. */
import type { FoundNeed, Graph, GraphTools, NamedTask, Node } from "../../core/index.ts";
import { parentPlatform } from "./errors.ts";
import { basesOf } from "./image-task.ts";
import { parentName, type Recipe } from "./recipe.ts";

interface Parent {
  readonly named: NamedTask;
  readonly recipe: Recipe;
}

/**
 * The graph in which every image task waits for the project's images that its Dockerfile names, and they for theirs.
 * @throws BtError IMAGES_PARENT_PLATFORM, and what reading a Dockerfile throws
 */
export async function connectParents(
  graph: Graph,
  { tasks, root, connect }: GraphTools,
  recipes: WeakMap<object, Recipe>,
): Promise<Graph> {
  const parents = new Map<string, Parent>();
  for (const named of tasks.values()) {
    const recipe = recipes.get(named.task.handle);
    if (recipe?.name !== undefined) parents.set(recipe.name, { named, recipe });
  }
  if (parents.size === 0) return graph;
  let connected = graph;
  const seen = new Set<string>();
  for (let size = -1; size !== connected.nodes.size;) {
    size = connected.nodes.size;
    const fresh = [...connected.nodes.values()].filter(({ id, isGroup }) => !isGroup && !seen.has(id));
    const found: FoundNeed[] = [];
    for (const node of fresh) {
      seen.add(node.id);
      const recipe = recipes.get(node.task.handle);
      if (recipe !== undefined) found.push(...(await findParents(node, { recipe, parents, root })));
    }
    if (found.length > 0) connected = await connect(connected, found);
  }
  return connected;
}

async function findParents(
  node: Node,
  project: { readonly recipe: Recipe; readonly parents: ReadonlyMap<string, Parent>; readonly root: string },
): Promise<readonly FoundNeed[]> {
  const { recipe, parents, root } = project;
  const bases = await basesOf({ root, cell: node.cell }, recipe);
  return bases.flatMap(({ reference, platform }): FoundNeed[] => {
    const parent = parents.get(reference);
    if (parent === undefined) return [];
    const { platforms } = parent.recipe;
    if (!platforms.includes(platform))
      throw parentPlatform({ where: recipe.dockerfile }, { reference, task: parent.named.name, platform, platforms });
    const need = { need: parent.named.task, kind: "result", cellName: platform } as const;
    return [{ from: node.id, need, as: parentName(reference, platform) }];
  });
}
