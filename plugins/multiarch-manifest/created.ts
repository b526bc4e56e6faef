/** An index of images in layouts as a value that tasks hand on, and back. Does not know where images come from. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { parsePlatform } from "../../core/index.ts";
import { assemble, type Assembled, type AssembleEntry, type AssembleSpec } from "./assemble.ts";
import type { Desk } from "./desk.ts";
import type { Entry } from "./entries.ts";
import { createLayout, openLayout, putEntries } from "./layout.ts";
import { refNameAnnotation, type Format } from "./oci.ts";
import type { CreateResult, PlatformResult } from "./result.ts";

/** One entry and the image that fills it. */
export interface Given {
  readonly entry: Pick<Entry, "arch" | "rewriteConfig" | "annotations">;
  readonly image: { readonly digest: string; readonly layout: string; readonly ref?: string };
}

/** How given images become an index. */
export interface GivenSpec extends Omit<AssembleSpec, "entries" | "entryName"> {
  /** Relative to the root. */
  readonly layout: string;
  readonly format: Format;
  readonly onWarning: (sentence: string) => void;
}

/** Assembles images of layouts into the index's own layout, where `index.json` then has exactly this index. */
export async function assembleGiven(root: string, given: readonly Given[], spec: GivenSpec): Promise<CreateResult> {
  const into = await createLayout(join(root, spec.layout));
  const entries = await Promise.all(
    given.map(async ({ entry, image }): Promise<AssembleEntry> => ({
      platform: entry.arch,
      layout: await openLayout(join(root, image.layout)),
      digest: image.digest,
      rewriteConfig: entry.rewriteConfig,
      ...(image.ref !== undefined && { upstream: { ref: image.ref, digest: image.digest }, layersLater: true }),
      ...(entry.annotations && { annotations: entry.annotations }),
    })),
  );
  const { layout: _, onWarning, ...rest } = spec;
  const annotations = spec.format === "oci" ? { "bt.key": keyOf(given, spec), ...spec.annotations } : spec.annotations;
  const image = await assemble({ ...rest, entries, ...(annotations && { annotations }) }, into);
  for (const warning of image.warnings) onWarning(warning);
  await putEntries(into, [{ ...image.descriptor, annotations: { [refNameAnnotation]: spec.name } }]);
  return toResult(image, spec);
}

/** The key of what an index was made of: digests of its sources and all that shapes it. No clock, no path, no machine. */
function keyOf(given: readonly Given[], spec: GivenSpec): string {
  const { format, annotations = {} } = spec;
  const sources = given.map(({ entry, image }) => [
    entry.arch,
    image.digest,
    entry.rewriteConfig,
    Object.entries(entry.annotations ?? {}).sort(),
  ]);
  return createHash("sha256")
    .update(JSON.stringify([1, format, Object.entries(annotations).sort(), sources]))
    .digest("hex");
}

function toResult(image: Assembled, { layout, format }: GivenSpec): CreateResult {
  const platforms = image.children.map((child): [string, PlatformResult] => {
    const { platform, descriptor, imageId, size: bytes, upstream } = child;
    const { digest, mediaType, size } = descriptor;
    const name = `linux/${platform}`;
    return [
      name,
      { platform: name, digest, imageId, mediaType, size, layout, bytes, ...(upstream && { source: upstream }) },
    ];
  });
  return { name: image.name, ...image.descriptor, format, layout, platforms: Object.fromEntries(platforms) };
}

/** The same index as assemble() gave it. */
export async function toAssembled(root: string, created: CreateResult): Promise<Assembled> {
  const { name, digest, mediaType, size, format, layout, platforms } = created;
  const children = Object.values(platforms).map((one) => ({
    platform: parsePlatform(one.platform).arch,
    descriptor: { mediaType: one.mediaType, digest: one.digest, size: one.size },
    imageId: one.imageId,
    size: one.bytes,
    ...(one.source && { upstream: one.source }),
  }));
  const opened = await openLayout(join(root, layout));
  return { name, layout: opened, format, descriptor: { mediaType, digest, size }, children, warnings: [] };
}

/** One line for the index, one for each platform. */
export function tellCreated(log: Desk<unknown>["log"], { name, digest, platforms }: CreateResult): void {
  log.info(`${name}  ${digest}`);
  for (const [platform, one] of Object.entries(platforms)) log.info(`  ${platform.padEnd(14)} ${one.digest}`);
}
