/** Builds an image with any engine: the same request, the same result. Does not choose the engine, or fetch images. */
import { buildWithDocker } from "./docker.ts";
import { buildWithBuildx, hasOwnBuilder } from "./docker-buildx.ts";
import { buildImage, type BuildRequest, type BuiltImage } from "./embedded.ts";
import type { EngineName } from "./engine-name.ts";
import type { Desk, EngineOptions } from "./engine-request.ts";
import { takeImage } from "./exported-image.ts";
import { withPreparedBuild } from "./prepared-build.ts";
import { buildInStorage } from "./storage-engine.ts";

/** The engine to use, as `chooseEngine` gives it. */
export interface EngineProgram {
  readonly name: EngineName;
  /** Name or path of the program; the embedded engine has none. */
  readonly program: string;
  /** What docker can do besides: `buildx`. Default: nothing. */
  readonly capabilities?: readonly string[];
}

/**
 * Builds an image into the layout of the request. Every image it reads goes by its ID, nothing is pulled, and nothing is left behind but
 * the image.
 * @throws BtError IMAGES_…, MANIFEST_…; IMAGES_BUILD_FAILED when a command of the Dockerfile fails
 */
export async function buildWithEngine(
  engine: EngineProgram,
  request: BuildRequest,
  { desk, ...options }: EngineOptions & { readonly desk: Desk },
): Promise<BuiltImage> {
  const { name, program } = engine;
  switch (name) {
    case "embedded":
      return buildImage(request);
    case "buildah":
    case "podman":
      return withPreparedBuild(name, request, {
        desk,
        options,
        work: async (build) =>
          takeImage(await buildInStorage({ name, program }, build, { desk, options }), build, name),
      });
    case "docker":
      return withPreparedBuild(name, request, {
        desk,
        options,
        work: async (build) => {
          const canBuildx = engine.capabilities?.includes("buildx") === true && (await hasOwnBuilder(program, desk));
          const builder = canBuildx ? buildWithBuildx : buildWithDocker;
          return takeImage(await builder(program, build, { desk, options }), build, name);
        },
      });
  }
}
