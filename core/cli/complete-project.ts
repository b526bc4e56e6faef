/** A TAB where nothing is kept yet, or no longer holds: loads the builderfile to answer. Writes nothing, and complains to nobody. */
import * as path from "node:path";
import { loadProject } from "../load.ts";
import { assemble } from "../plugin.ts";
import { parseArgs, type Options } from "./args.ts";
import { complete, type CompletionFacts } from "./complete.ts";
import { outlineTasks } from "./outline.ts";
import { listRuns } from "../runs.ts";
import { renderCompletion } from "./outline-file.ts";
import { print, reserveOutput } from "./print.ts";
import type { World } from "./world.ts";

declare const BT_TEMPLATE_NAMES: readonly string[];

/** Without a builderfile that can be read, only the options of bt are known. */
export async function completeProject(words: readonly string[], world: World): Promise<void> {
  reserveOutput(); // What a builderfile prints is no task.
  const facts = await findFacts(words, world).catch((): CompletionFacts => ({
    tasks: [],
    params: [],
    runs: () => [],
    templates: BT_TEMPLATE_NAMES,
  }));
  print(renderCompletion(complete(words, facts)));
}

async function findFacts(words: readonly string[], world: World): Promise<CompletionFacts> {
  const { directory, file } = findPlace(words.slice(0, -1));
  const project = await loadProject({
    cwd: path.resolve(world.cwd, directory ?? "."),
    env: world.env,
    build: world.build,
    ownModule: world.ownModule,
    mayWrite: false,
    ...(file === undefined ? {} : { file }),
  });
  const outline = outlineTasks(assemble(project.builder).catalog);
  return { ...outline, runs: () => listRuns(project.root), templates: BT_TEMPLATE_NAMES };
}

/** The line is unfinished: an option without its value is no mistake yet. */
function findPlace(before: readonly string[]): Pick<Options, "directory" | "file"> {
  try {
    return parseArgs(before).options;
  } catch {
    return {};
  }
}
