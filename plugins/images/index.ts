/** Image tasks: one Dockerfile, one image for each platform. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, param, task, type Arch, type Param, type Task } from "../../core/index.ts";
import type { ImageResult } from "../multiarch-manifest/index.ts";
import { fillIn, imageMarks, type ImageOptions, type Recipe } from "./recipe.ts";

export type { Emulation, EmulationMode, Started } from "./emulation.ts";
export type { EngineName } from "./engine-name.ts";
export {
  imageFamily,
  type FamilyOptions,
  type Version,
  type VersionEntry,
  type VersionTable,
} from "./family/family.ts";
export * from "./library.ts";
export type { ImageOptions } from "./recipe.ts";

/** Which engine builds: the same param for every plugin that builds images. */
export interface EngineParams {
  readonly [name: string]: Param;
  readonly engine: Param<"embedded" | "buildah" | "podman" | "docker" | undefined>;
}

/** `--engine`, `ENGINE`. Default: what engineVariables say, then the user's settings, then the first engine that works. */
export const engineParams: EngineParams = {
  engine: param.enum(["embedded", "buildah", "podman", "docker"], { description: "Who builds" }),
};

/** Environment variables that name an engine in Makefiles of today: KubeVirt's, Maistra's, and everybody's. */
export const engineVariables = ["KUBEVIRT_CRI", "CONTAINER_CLI", "DOCKER"] as const;

/** Recipes of image tasks, by handle. */
const recipes = new WeakMap<object, Recipe>();

/** What image tasks rely on: FROM lines become needs, and `bt --doctor` tells which engine builds. */
const images = definePlugin({
  name: "images",
  tasks: {},
  apply: (hooks) => {
    hooks.doctor.tap(async (known, { env, settings }) => [
      ...known,
      ...(await (await import("./engine-words.ts")).describeHere(env, settings)),
    ]);
    hooks.graph.tap(async (graph, tools) => (await import("./edges.ts")).connectParents(graph, tools, recipes));
  },
});

/**
 * A task with one cell a platform. Without RUN the embedded engine builds it: no daemon, no root, the same image ID everywhere;
 * otherwise buildah, podman or docker.
 * @throws BtError FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE, as every function here that takes options
 */
export function image<const A extends readonly Arch[]>(
  options: ImageOptions<A>,
): Task<ImageResult, EngineParams, A[number]> {
  checkOptions("image()", options, imageMarks);
  const recipe = fillIn(options);
  const made = task({
    description: options.description ?? `Builds the image of ${recipe.dockerfile}`,
    matrix: { arch: options.platforms },
    params: engineParams,
    env: [...engineVariables, "BUILDAH_ISOLATION", "STORAGE_DRIVER", "DOCKER_HOST", "DOCKER_CONTEXT"],
    brings: images,
    inputs: async (bound) => (await import("./image-facts.ts")).findImageInputs(bound, recipe),
    versions: async (bound) => (await import("./image-facts.ts")).findVersions(bound, recipe),
    evidence: async (bound) => (await import("./image-facts.ts")).findEvidence(bound, recipe),
    salt: JSON.stringify(recipe),
    status: async ({ root, previous }) => (await import("./image-facts.ts")).isStored(root, previous as ImageResult), // Its own last result.
    dryRun: "record",
    run: async (context): Promise<ImageResult> => {
      if (!context.isDryRun) return (await import("./image-task.ts")).buildCell(context, recipe);
      await (await import("./image-plan.ts")).describeCell(context, recipe);
      return undefined as never; // Nobody looks at what a dry run has not made.
    },
  });
  recipes.set(made.handle, recipe);
  return made;
}
