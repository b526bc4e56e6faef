/** The work of a publish task: an index over the images of a build, made visible in one step. Does not know who built them. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { assemble, type Assembled } from "./assemble.ts";
import { createLayout, linkBlob, openLayout, putEntries, readBlob, readEntries, type Layout } from "./layout.ts";
import { refNameAnnotation, type Manifest } from "./oci.ts";
import { parseReference, renderReference, type LayoutReference } from "./reference.ts";
import type { ImageResult, PublishResult } from "./result.ts";

/** Assembles the images into one index and publishes it at `to`. */
export async function publishImages({ root, log, publishing }: Pick<Context, "root" | "log" | "publishing">, images: readonly ImageResult[], to: string): Promise<PublishResult> {
  const destination = parseDestination(to);
  const entries = await Promise.all(images.map(async (image) => ({ platform: image.platform, digest: image.digest, layout: await openLayout(path.join(root, image.layout)) })));
  const store = entries[0]?.layout ?? (await createLayout(path.join(root, ".bt/oci")));
  const assembled = await assemble({ name: to, entries }, store);
  for (const warning of assembled.warnings) log.warn(warning);
  const isUnchanged = (await findPublished(root, to)) === assembled.descriptor.digest;
  if (!isUnchanged) {
    const layout = await createLayout(path.resolve(root, destination.dir));
    await copyImages(store, layout, assembled);
    await publishing([renderReference(destination)]);
    await putEntries(layout, [{ ...assembled.descriptor, annotations: { [refNameAnnotation]: destination.name ?? "latest" } }]);
  }
  const { digest } = assembled.descriptor;
  log.info(`${to}@${digest} ${isUnchanged ? "was there already" : "published"}: ${assembled.children.map(({ platform }) => platform).join(", ")}`);
  const platforms = Object.fromEntries(assembled.children.map((child) => [child.platform, { digest: child.descriptor.digest, imageId: child.imageId }]));
  return { reference: to, digest, status: isUnchanged ? "unchanged" : "pushed", platforms };
}

/** Blobs first, index last; what is there already is not copied. */
async function copyImages(from: Layout, into: Layout, { children, descriptor }: Assembled): Promise<void> {
  for (const child of children) {
    const manifest = JSON.parse((await readBlob(from, child.descriptor.digest)).toString("utf8")) as Manifest;
    for (const { digest } of [...manifest.layers, manifest.config, child.descriptor]) await linkBlob(from, into, digest);
  }
  await linkBlob(from, into, descriptor.digest);
}

function parseDestination(to: string): LayoutReference {
  const reference = parseReference(to);
  if (reference.kind !== "layout") throw new Error(`publishing to ${to}`);
  return reference;
}

/** Digest of the index that a destination names now. Undefined: none. */
export async function findPublished(root: string, to: string): Promise<string | undefined> {
  const destination = parseDestination(to);
  try {
    const entries = await readEntries(await openLayout(path.resolve(root, destination.dir)));
    return entries.find(({ annotations }) => annotations?.[refNameAnnotation] === (destination.name ?? "latest"))?.digest;
  } catch {
    return undefined; // No layout there yet.
  }
}
