/** Needs between image tasks, found in their FROM lines. Does not build anything. */
import type { FoundNeed, Graph, GraphTools, NamedTask, Node, Place } from "../../core/index.ts";
import { resolveName } from "../multiarch-manifest/index.ts";
import { parentNoImage, parentPlatform } from "./errors.ts";
import { basesOf } from "./image-facts.ts";
import { parentName, type Recipe } from "./recipe.ts";

interface Parent {
  readonly named: NamedTask;
  readonly recipe: Recipe;
}

/**
 * The graph in which every image task waits for the project's images that its Dockerfile names, and they for theirs.
 * @throws BtError IMAGES_PARENT_PLATFORM, IMAGES_PARENT_NO_IMAGE
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
  let connected = graph;
  const seen = new Set<string>();
  for (let size = -1; size !== connected.nodes.size;) {
    size = connected.nodes.size;
    const fresh = [...connected.nodes.values()].filter(({ id, isGroup }) => !isGroup && !seen.has(id));
    const found: FoundNeed[] = [];
    for (const node of fresh) {
      seen.add(node.id);
      const recipe = recipes.get(node.task.handle);
      if (recipe !== undefined) found.push(...(await findParents(node, { recipe, parents, root, tasks, recipes })));
    }
    if (found.length > 0) connected = await connect(connected, found);
  }
  return connected;
}

interface Family extends Pick<GraphTools, "tasks" | "root"> {
  readonly recipe: Recipe;
  readonly recipes: WeakMap<object, Recipe>;
  readonly parents: ReadonlyMap<string, Parent>;
}

async function findParents(node: Node, family: Family): Promise<readonly FoundNeed[]> {
  const { recipe, parents, root } = family;
  const found: FoundNeed[] = [];
  const bases = await basesOf({ root, cell: node.cell }, recipe).catch(() => []); // Finding its inputs says why.
  for (const { reference, platform, at } of bases) {
    const parent = parents.get(reference);
    if (parent === undefined) {
      await checkNoTask(reference, at, family);
      continue;
    }
    const { platforms } = parent.recipe;
    if (!platforms.includes(platform))
      throw parentPlatform(at, { reference, task: parent.named.name, platform, platforms });
    const need = { need: parent.named.task, kind: "result", cellName: platform } as const;
    found.push({ from: node.id, need, as: parentName(reference, platform) });
  }
  return found;
}

/** A task's name is no image, unless registries.conf knows an image that is called the same. @throws BtError IMAGES_PARENT_NO_IMAGE */
async function checkNoTask(reference: string, at: Place, { tasks, recipes }: Family): Promise<void> {
  const named = tasks.get(reference);
  if (named === undefined) return;
  const isKnown = await resolveName(reference).then(
    () => true,
    () => false,
  );
  if (!isKnown) throw parentNoImage(at, reference, recipes.has(named.task.handle));
}
