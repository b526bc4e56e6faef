/** Builds an image task's cell into the project's store. Does not know other tasks, or whether there is anything to do. */
import * as path from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import { createLayout, fetchImage, type ImageResult } from "../multiarch-manifest/index.ts";
import { resolveBase } from "./base-digest.ts";
import type { BuildRequest } from "./embedded.ts";
import { chooseEngine } from "./engine-choice.ts";
import { buildWithEngine } from "./engine.ts";
import { inputOptions, wordsOf } from "./image-facts.ts";
import { findNeeds } from "./inputs.ts";
import { parentName, type Recipe } from "./recipe.ts";

/** Layout of all images of a project, relative to its root: content-addressed, so cells share their layers. */
const store = ".bt/oci";

/** Builds one platform into the project's store. */
export async function buildCell(context: Context, recipe: Recipe): Promise<ImageResult> {
  const { root, cell, log, signal, settings, needs } = context;
  const into = await createLayout(path.join(root, store));
  const bases: Record<string, string> = {};
  const { runs } = await findNeeds(path.resolve(root, recipe.dockerfile), inputOptions(context, recipe));
  const engine = await chooseEngine({ ...wordsOf(context, recipe), runs }, context.env);
  if (engine.name !== "embedded") log.info(`${engine.name} ${engine.version ?? ""} builds: ${engine.reason}`);
  const { target } = recipe;
  const arch = cell["arch"] as Arch; // Cells of platforms().
  const request: BuildRequest = {
    dockerfile: path.resolve(root, recipe.dockerfile),
    context: path.resolve(root, recipe.context),
    platform: arch,
    args: recipe.args[arch] ?? {},
    timestamp: recipe.timestamp,
    into,
    resolveBase: async (reference, platform) => {
      const parent = needs[parentName(reference, platform)] as ImageResult | undefined; // The result of an image task.
      if (parent !== undefined) {
        bases[reference] = parent.digest;
        return { mediaType: parent.mediaType, digest: parent.digest, size: parent.size };
      }
      const { digest, pinned } = await resolveBase(root, reference, settings.mirrors);
      bases[reference] = digest;
      return fetchImage(pinned, platform, into);
    },
    cwd: root,
    signal,
    ...(target === undefined ? {} : { target }),
  };
  const { emulation } = recipe;
  const built = await buildWithEngine(engine, request, {
    desk: context,
    ...(emulation === undefined ? {} : { emulation }),
  });
  const { platform, digest, id: imageId, size, mediaType } = built;
  log.info(`${platform}  ${digest}`);
  return {
    platform,
    digest,
    imageId,
    size,
    mediaType,
    layout: store,
    ...(Object.keys(bases).length === 0 ? {} : { bases }),
  };
}
