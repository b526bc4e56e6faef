/** The work of an image task: what it reads, how it is built, whether the result is still there. Does not know other tasks. */
import * as path from "node:path";
import type { Arch, Bound, Context } from "../../core/index.ts";
import {
  createLayout,
  fetchImage,
  findBlobSize,
  openLayout,
  readBlob,
  resolveImage,
  type ImageResult,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { buildImage } from "./embedded.ts";
import { findInputs } from "./inputs.ts";

/** Layout of all images of a project, relative to its root: content-addressed, so cells share their layers. */
const store = ".bt/oci";

/** The options of an image with their defaults filled in. */
interface Options {
  readonly dockerfile: string;
  readonly context: string;
  readonly args: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly target?: string;
}

/** Dockerfile, ignore file and context files, relative to the root. */
export async function findImageInputs(
  { root, cell }: Pick<Bound, "root" | "cell">,
  options: Options,
): Promise<readonly string[]> {
  const context = path.resolve(root, options.context);
  const dockerfile = path.resolve(root, options.dockerfile);
  const { target, args } = options;
  const { files } = await findInputs(dockerfile, context, {
    args,
    platform: cell["arch"] as Arch,
    cwd: root,
    ...(target === undefined ? {} : { target }),
  }); // Cells of platforms().
  const names = ["dockerignore", "containerignore"];
  const ignoreFiles = names.flatMap((name) => [
    `${options.dockerfile}.${name}`,
    path.join(options.context, `.${name}`),
  ]);
  const present = await Promise.all(
    ignoreFiles.map(async (file) => ((await isThere(path.resolve(root, file))) ? [file] : [])),
  );
  return [options.dockerfile, ...present.flat(), ...files.map((file) => path.join(options.context, file))];
}

async function isThere(file: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Builds one platform into the project's store. */
export async function buildCell(
  { root, cell, log, signal, settings }: Context,
  options: Options,
): Promise<ImageResult> {
  const into = await createLayout(path.join(root, store));
  const bases: Record<string, string> = {};
  const { engine = "embedded", mirrors = {} } = settings;
  if (engine !== "embedded")
    log.warn(`The engine "${engine}" of the settings cannot be used yet; the embedded one builds`);
  const { target } = options;
  const built = await buildImage({
    dockerfile: path.resolve(root, options.dockerfile),
    context: path.resolve(root, options.context),
    platform: cell["arch"] as Arch, // Cells of platforms().
    args: options.args,
    timestamp: options.timestamp,
    into,
    resolveBase: async (reference, platform) => {
      const { found, digest } = await findBase(root, reference, mirrors);
      bases[reference] = digest;
      return fetchImage(found, platform, into);
    },
    cwd: root,
    signal,
    ...(target === undefined ? {} : { target }),
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

/** Layouts are named relative to the project root, wherever bt was called. */
function inRoot(root: string, reference: string): string {
  return reference.startsWith("oci:") ? `oci:${path.resolve(root, reference.slice("oci:".length))}` : reference;
}

/** Asks the mirror of the reference's registry first, then the registry itself. */
async function findBase(
  root: string,
  reference: string,
  mirrors: Readonly<Record<string, string>>,
): Promise<{ found: string; digest: string }> {
  const [host = "", ...rest] = reference.split("/");
  const mirror = mirrors[host];
  if (mirror !== undefined && rest.length > 0) {
    const found = [mirror, ...rest].join("/");
    const digest = await resolveImage(found).catch(() => undefined);
    if (digest !== undefined) return { found, digest };
  }
  const found = inRoot(root, reference);
  return { found, digest: await resolveImage(found) };
}

/** Whether an image is still in the store, and its bases are still what they were. A base that cannot be asked for counts as unchanged. */
export async function isCurrent(root: string, image: ImageResult): Promise<boolean> {
  if (!(await isStored(root, image))) return false;
  const moved = Object.entries(image.bases ?? {}).map(async ([reference, digest]) => {
    const now = await resolveImage(inRoot(root, reference)).catch(() => digest);
    return now !== digest;
  });
  return !(await Promise.all(moved)).some(Boolean);
}

async function isStored(root: string, image: ImageResult): Promise<boolean> {
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
