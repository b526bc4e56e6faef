/** What other plugins use to build and to look into images: each function loads its part when it is called. Does not describe tasks. */
import type { Settings } from "../../core/index.ts";
import type * as Bases from "./base.ts";
import type * as Contents from "./content.ts";
import type * as Emulations from "./emulation.ts";
import type * as Engines from "./engine.ts";
import type { EngineChoice } from "./engine-choice.ts";
import type { BuiltImage } from "./embedded.ts";
import type * as ImagePlans from "./image-plan.ts";
import type * as Inputs from "./inputs.ts";
import type { BuildPlan } from "./plan.ts";
import type { Resolution, Tree } from "./tree.ts";

export type { EngineChoice } from "./engine-choice.ts";
export type { BuildRequest, BuiltImage } from "./embedded.ts";
export type { BuildPlan } from "./plan.ts";

/** Who asks for an engine, and whether one is needed. */
export interface EngineWish {
  /** What an option or a variable of the task says. */
  readonly engine?: string | undefined;
  /** Whether the Dockerfile has a RUN. Default: true. */
  readonly runs?: boolean;
}

/** The engine that builds: the one that is asked for, also by environment and settings, or the first that works. */
export async function chooseEngine(
  { engine, runs = true }: EngineWish,
  env: Readonly<Record<string, string | undefined>>,
  settings: Settings,
): Promise<EngineChoice> {
  const [{ chooseEngine: choose }, { findWords }] = await Promise.all([
    import("./engine-choice.ts"),
    import("./engine-words.ts"),
  ]);
  return choose({ ...findWords({ engine }, env, settings), runs }, env);
}

/** The same engine as a key has it; starts no program. */
export async function describeEngine(
  { engine, runs = true }: EngineWish,
  env: Readonly<Record<string, string | undefined>>,
  settings: Settings,
): Promise<string> {
  const { describeWish, findWords } = await import("./engine-words.ts");
  return describeWish({ ...findWords({ engine }, env, settings), runs }, env);
}

/** How commands of these architectures can be run here. Looks at the machine when called. @throws BtError IMAGES_EMULATION_… */
export async function chooseEmulation(
  ...values: Parameters<typeof Emulations.chooseEmulation>
): Promise<Emulations.Emulation> {
  return (await import("./emulation.ts")).chooseEmulation(...values);
}

/** The same command so that foreign programs run in it: for `exec`. */
export async function wrapCommand(...values: Parameters<typeof Emulations.wrapCommand>): Promise<Emulations.Started> {
  return (await import("./emulation.ts")).wrapCommand(...values);
}

/** Tells what a build would do, for a dry run: bases, and every call of the engine that is going to build. Starts nothing. */
export async function describeBuild(
  context: Parameters<typeof ImagePlans.describeBuild>[0] & { readonly settings: Settings },
  { engine, runs = true }: EngineWish,
  build: ImagePlans.ShownBuild,
): Promise<void> {
  const [plans, { findProgram, findWords }] = await Promise.all([
    import("./image-plan.ts"),
    import("./engine-words.ts"),
  ]);
  const { env, settings } = context;
  await plans.describeBuild(context, findProgram({ ...findWords({ engine }, env, settings), runs }, env), build);
}

/** Builds an image into a layout with any engine. */
export async function buildWithEngine(...values: Parameters<typeof Engines.buildWithEngine>): Promise<BuiltImage> {
  return (await import("./engine.ts")).buildWithEngine(...values);
}

/** What building a Dockerfile would read. */
export async function findInputs(...values: Parameters<typeof Inputs.findInputs>): Promise<Inputs.BuildInputs> {
  return (await import("./inputs.ts")).findInputs(...values);
}

/** A Dockerfile with every FROM resolved, its instructions with their lines. */
export async function planDockerfile(...[file, options]: Parameters<typeof Inputs.planInputs>): Promise<BuildPlan> {
  return (await import("./inputs.ts")).planInputs(file, options);
}

/** The config of an image in a layout, and its files, all layers read. */
export async function openImageFiles(
  ...[layout, descriptor, expected]: Parameters<typeof Bases.loadBase>
): Promise<{ readonly config: Bases.BaseImage["config"]; readonly tree: Tree }> {
  const { loadBase, loadTree } = await import("./base.ts");
  const base = await loadBase(layout, descriptor, expected);
  return { config: base.config, tree: await loadTree(layout, base, expected.at) };
}

/** Where a path of an image leads, links followed. */
export async function findInImage(tree: Tree, path: string): Promise<Resolution> {
  return (await import("./tree.ts")).resolvePath(tree, path, { last: "follow" });
}

/** All bytes of one file of an image; `dir` is for what has to be taken out of archives meanwhile. */
export async function readImageFile(...values: Parameters<typeof Contents.readContent>): Promise<Buffer> {
  return (await import("./content.ts")).readContent(...values);
}
