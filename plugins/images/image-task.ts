/** The work of an image task: what it reads, how it is built, whether the result is still there. Does not know other tasks. */
import * as path from "node:path";
import type { Arch, Bound, Context, Surveyed, Versions } from "../../core/index.ts";
import {
  createLayout,
  fetchImage,
  findBlobSize,
  openLayout,
  readBlob,
  type ImageResult,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { resolveBase } from "./base-digest.ts";
import type { BuildRequest } from "./embedded.ts";
import { chooseEngine, type EngineWords } from "./engine-choice.ts";
import { describeWish, findWords } from "./engine-words.ts";
import { buildWithEngine } from "./engine.ts";
import { findInputs, findNeeds, type BaseInput, type InputOptions } from "./inputs.ts";
import { parentName, type Recipe } from "./recipe.ts";

/** Layout of all images of a project, relative to its root: content-addressed, so cells share their layers. */
const store = ".bt/oci";

type CellOf = Pick<Bound, "root" | "cell">;

/** Dockerfile, ignore file and context files, relative to the root. */
export async function findImageInputs(bound: CellOf, recipe: Recipe): Promise<readonly string[]> {
  const { root } = bound;
  const context = path.resolve(root, recipe.context);
  const { files } = await findInputs(path.resolve(root, recipe.dockerfile), context, inputOptions(bound, recipe));
  const names = ["dockerignore", "containerignore"];
  const ignoreFiles = names.flatMap((name) => [`${recipe.dockerfile}.${name}`, path.join(recipe.context, `.${name}`)]);
  const present = await Promise.all(
    ignoreFiles.map(async (file) => ((await isThere(path.resolve(root, file))) ? [file] : [])),
  );
  return [recipe.dockerfile, ...present.flat(), ...files.map((file) => path.join(recipe.context, file))];
}

/** The images that the cell's Dockerfile names. */
export async function basesOf(bound: CellOf, recipe: Recipe): Promise<readonly BaseInput[]> {
  return (await findNeeds(path.resolve(bound.root, recipe.dockerfile), inputOptions(bound, recipe))).bases;
}

function inputOptions({ root, cell }: CellOf, { target, args }: Recipe): InputOptions {
  const platform = cell["arch"] as Arch; // Cells of platforms().
  return { args: args[platform] ?? {}, platform, cwd: root, ...(target === undefined ? {} : { target }) };
}

async function isThere(file: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** What the cell's result depends on besides files and needs: the digests of its bases. What cannot be asked for is left open. */
export async function findVersions(bound: Surveyed, recipe: Recipe): Promise<Versions> {
  const { root, settings, needs } = bound;
  const { bases, runs } = await findNeeds(path.resolve(root, recipe.dockerfile), inputOptions(bound, recipe));
  const asked = bases
    .filter(({ reference, platform }) => !needs.includes(parentName(reference, platform)))
    .map(async ({ reference }) => {
      const resolved = await resolveBase(root, reference, settings.mirrors).catch(() => undefined); // Building says why.
      return [reference, resolved?.digest] as const;
    });
  const engine = await describeWish({ ...wordsOf(bound, recipe), runs }, bound.env);
  return { ...Object.fromEntries(await Promise.all(asked)), engine };
}

function wordsOf(
  { params, env, settings }: Pick<Surveyed, "params" | "env" | "settings">,
  { engine }: Recipe,
): EngineWords {
  return findWords({ engine: params["engine"] as string | undefined, builderfile: engine }, env, settings); // A param of engineParams.
}

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

/** Whether an image is still in the store, with all its blobs. */
export async function isStored(root: string, image: ImageResult): Promise<boolean> {
  try {
    const layout = await openLayout(path.join(root, image.layout));
    const manifest = JSON.parse((await readBlob(layout, image.digest)).toString("utf8")) as Manifest;
    const sizes = await Promise.all(
      [manifest.config, ...manifest.layers].map(
        async ({ digest, size }) => (await findBlobSize(layout, digest)) === size,
      ),
    );
    return sizes.every(Boolean);
  } catch {
    return false;
  }
}
