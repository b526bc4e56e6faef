/** What an image task depends on, and whether its result is still there: answers for the key, and what they came from. Builds nothing. */
import { stat } from "node:fs/promises";
import * as path from "node:path";
import type { Arch, Bound, Evidence, Surveyed, Versions } from "../../core/index.ts";
import {
  blobPath,
  findBlobSize,
  openLayout,
  readBlob,
  type ImageResult,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { resolveBase, type AskedBases } from "./base-digest.ts";
import type { EngineWords } from "./engine-choice.ts";
import { describeWish, findWords, lookedFor } from "./engine-words.ts";
import { findInputs, findNeeds, type BaseInput, type InputOptions } from "./inputs.ts";
import { parentName, type Recipe } from "./recipe.ts";

type CellOf = Pick<Bound, "root" | "cell">;

/** Dockerfile, ignore file and context files, relative to the root. */
export async function findImageInputs(bound: CellOf, recipe: Recipe): Promise<readonly string[]> {
  const { root } = bound;
  const context = path.resolve(root, recipe.context);
  const { files } = await findInputs(path.resolve(root, recipe.dockerfile), context, inputOptions(bound, recipe));
  const present = await Promise.all(
    ignoreFiles(recipe).map(async (file) => ((await isThere(path.resolve(root, file))) ? [file] : [])),
  );
  return [recipe.dockerfile, ...present.flat(), ...files.map((file) => path.join(recipe.context, file))];
}

/** Files that would leave something of the context out. */
function ignoreFiles({ dockerfile, context }: Recipe): readonly string[] {
  return ["dockerignore", "containerignore"].flatMap((name) => [
    `${dockerfile}.${name}`,
    path.join(context, `.${name}`),
  ]);
}

/** The images that the cell's Dockerfile names. */
export async function basesOf(bound: CellOf, recipe: Recipe): Promise<readonly BaseInput[]> {
  return (await findNeeds(path.resolve(bound.root, recipe.dockerfile), inputOptions(bound, recipe))).bases;
}

/** How the recipe's Dockerfile is read for one platform. */
export function inputOptions({ root, cell }: CellOf, { target, args }: Recipe): InputOptions {
  const platform = cell["arch"] as Arch; // Cells of platforms().
  return { args: args[platform] ?? {}, platform, cwd: root, ...(target === undefined ? {} : { target }) };
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** What the cell's result depends on besides files and needs: the digests of its bases. What cannot be asked for is left open. */
export async function findVersions(bound: Surveyed, recipe: Recipe): Promise<Versions> {
  const { root, settings, needs } = bound;
  const { bases, runs } = await findNeeds(path.resolve(root, recipe.dockerfile), inputOptions(bound, recipe));
  const asked = foreign(bases, needs).map(async (reference) => {
    const resolved = await resolveBase(root, reference, settings.mirrors).catch(() => undefined); // Building says why.
    return [reference, resolved?.digest] as const;
  });
  const engine = await describeWish({ ...wordsOf(bound, recipe), runs }, bound.env);
  return { ...Object.fromEntries(await Promise.all(asked)), engine };
}

/** Images that no task of the project builds. */
function foreign(bases: readonly BaseInput[], needs: readonly string[]): readonly string[] {
  return bases
    .filter(({ reference, platform }) => !needs.includes(parentName(reference, platform)))
    .map(({ reference }) => reference);
}

/** What all these answers came from. The registries of bases are asked every time. Undefined: the image is not there. */
export async function findEvidence(bound: Surveyed, recipe: Recipe): Promise<readonly Evidence[] | undefined> {
  const { root, settings, needs } = bound;
  const folders = new Set<string>();
  const missing = new Set<string>();
  const witness = { onFolder: (folder: string) => folders.add(folder), onMissing: (file: string) => missing.add(file) };
  const dockerfile = path.resolve(root, recipe.dockerfile);
  const options = { ...inputOptions(bound, recipe), witness };
  const { bases, runs } = await findInputs(dockerfile, path.resolve(root, recipe.context), options);
  for (const file of ignoreFiles(recipe)) if (!(await isThere(path.resolve(root, file)))) missing.add(file);
  const stored = await findBlobs(root, bound.previous as ImageResult); // Its own last result.
  if (stored === undefined) return undefined;
  const asked: AskedBases = {
    mirrors: settings.mirrors ?? {},
    digests: Object.fromEntries(
      await Promise.all(
        foreign(bases, needs).map(
          async (reference) => [reference, (await resolveBase(root, reference, settings.mirrors)).digest] as const,
        ),
      ),
    ),
  };
  return [
    ...[...folders].map((folder) => ({ kind: "file", path: folder }) as const),
    ...[...missing].map((file) => ({ kind: "absent", path: file }) as const),
    ...lookedFor({ ...wordsOf(bound, recipe), runs }, bound.env),
    ...stored,
    ...(Object.keys(asked.digests).length === 0
      ? []
      : [{ kind: "question", script: "plugins/images/questions.cjs", about: asked } as const]),
  ];
}

/** Who asks for which engine. */
export function wordsOf(
  { params, env, settings }: Pick<Surveyed, "params" | "env" | "settings">,
  { engine }: Recipe,
): EngineWords {
  return findWords({ engine: params["engine"] as string | undefined, builderfile: engine }, env, settings); // A param of engineParams.
}

/** Whether an image is still in the store, with all its blobs. */
export async function isStored(root: string, image: ImageResult): Promise<boolean> {
  return (await findBlobs(root, image)) !== undefined;
}

/** The blobs of an image in the store. Undefined: one is missing, or cut short. */
async function findBlobs(root: string, image: ImageResult): Promise<readonly Evidence[] | undefined> {
  try {
    const layout = await openLayout(path.join(root, image.layout));
    const text = (await readBlob(layout, image.digest)).toString("utf8");
    const manifest = JSON.parse(text) as Manifest;
    const blobs = await Promise.all(
      [manifest.config, ...manifest.layers].map(async ({ digest, size }) => ({
        evidence: { kind: "size", path: blobPath(layout, digest), sizeBytes: size } as const,
        isWhole: (await findBlobSize(layout, digest)) === size,
      })),
    );
    if (!blobs.every(({ isWhole }) => isWhole)) return undefined;
    const own = { kind: "text", path: blobPath(layout, image.digest), text } as const;
    return [own, ...blobs.map(({ evidence }) => evidence)];
  } catch {
    return undefined;
  }
}
