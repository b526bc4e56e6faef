/** Images that a build reads: their manifest, config and files, from the layout they were copied into. Does not fetch. */
import { isBtError, parsePlatform, placed, type Arch, type Place } from "../../core/index.ts";
import {
  mediaTypes,
  openBlob,
  readJson,
  type Descriptor,
  type ImageConfig,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { canDecompress, decompress, detectCompression } from "./compression.ts";
import { basePlatform, baseUnreadable } from "./errors.ts";
import { applyTar, createImageTree, type ImageTree } from "./layerfs.ts";
import type { TarSource } from "./tree.ts";

/** An image, its layers not yet read. */
export interface BaseImage {
  readonly reference: string;
  readonly config: ImageConfig;
  /** With OCI media types, bottom first. */
  readonly layers: readonly Descriptor[];
}

/** How messages call the image, and what it must be for. */
export interface BaseExpectation {
  readonly reference: string;
  readonly platform: Arch;
  readonly at: Place;
}

/** Who copies one platform of an image to where it can be read. */
export interface BaseResolver {
  readonly resolveBase: (reference: string, platform: Arch) => Promise<Descriptor>;
}

/** The image that a line of a Dockerfile names; errors say which line. */
export async function resolveAt(
  { resolveBase }: BaseResolver,
  reference: string,
  { platform, at }: Pick<BaseExpectation, "platform" | "at">,
): Promise<Descriptor> {
  try {
    return await resolveBase(reference, platform);
  } catch (error) {
    throw isBtError(error) ? placed(error, at) : error;
  }
}

/**
 * Reads manifest and config.
 * @throws BtError IMAGES_BASE_PLATFORM, IMAGES_BASE_UNREADABLE, MANIFEST_BLOB_…
 */
export async function loadBase(layout: Layout, descriptor: Descriptor, expected: BaseExpectation): Promise<BaseImage> {
  const { reference, at } = expected;
  const manifest = await readJson<Manifest>(layout, descriptor.digest);
  if (!Array.isArray(manifest.layers)) throw baseUnreadable(at, reference, "its manifest has no layers");
  const config = await readJson<ImageConfig>(layout, manifest.config.digest);
  checkPlatform(config, expected);
  if (config.rootfs?.diff_ids?.length !== manifest.layers.length) {
    throw baseUnreadable(at, reference, "its config and its manifest do not have the same number of layers");
  }
  return { reference, config, layers: manifest.layers.map(withOciType) };
}

/** The files of an image, all layers read once. */
export async function loadTree(layout: Layout, base: BaseImage, at: Place): Promise<ImageTree> {
  const tree = createImageTree(`the image "${base.reference}"`);
  for (const layer of base.layers) {
    const tar = await openLayer(layout, layer, { reference: base.reference, at });
    try {
      await applyTar(tree, tar, { whiteouts: "obey" });
    } catch (error) {
      throw baseUnreadable(
        at,
        base.reference,
        `layer ${layer.digest}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return tree;
}

async function openLayer(
  layout: Layout,
  layer: Descriptor,
  shown: { readonly reference: string; readonly at: Place },
): Promise<TarSource> {
  const head = await openBlob(layout, layer.digest);
  let compression = detectCompression(new Uint8Array());
  for await (const chunk of head) {
    compression = detectCompression(chunk as Uint8Array);
    break;
  }
  if (!canDecompress(compression)) {
    throw baseUnreadable(
      shown.at,
      shown.reference,
      `layer ${layer.digest} is compressed with ${compression}, which Node ${process.versions.node} cannot read`,
    );
  }
  return { open: async () => decompress(await openBlob(layout, layer.digest), compression) };
}

function checkPlatform(config: ImageConfig, { reference, platform, at }: BaseExpectation): void {
  const expected = parsePlatform(platform);
  const variantAgrees =
    expected.variant === undefined || config.variant === undefined || config.variant === expected.variant;
  if (config.os === "linux" && config.architecture === expected.goarch && variantAgrees) return;
  const found = [config.os, config.architecture, ...(config.variant === undefined ? [] : [config.variant])].join("/");
  throw basePlatform(at, { reference, expected: `linux/${platform}`, found });
}

function withOciType(layer: Descriptor): Descriptor {
  const { v2s2, oci } = mediaTypes;
  const mediaType =
    layer.mediaType === v2s2.layerGzip ? oci.layerGzip : layer.mediaType === v2s2.layer ? oci.layer : layer.mediaType;
  return { ...layer, mediaType };
}
