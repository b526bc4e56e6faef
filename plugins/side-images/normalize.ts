/** An image in a layout whose config says exactly its slot's platform, and whose first layers are its parent's. Does not fetch or build. */
import { parsePlatform, type Arch } from "../../core/index.ts";
import {
  readJson,
  writeBlob,
  type Descriptor,
  type ImageConfig,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import type { BuiltImage } from "../images/index.ts";
import type { Cell } from "./cell.ts";
import { layersForeign } from "./errors.ts";
import type { SideImage } from "./result.ts";

/** The image with the slot's platform in its config; `found` says what it was, when it was something else. */
export async function normalize(
  layout: Layout,
  image: Descriptor,
  arch: Arch,
): Promise<{ readonly image: Descriptor & { readonly imageId: string }; readonly found?: string }> {
  const manifest = await readJson<Manifest>(layout, image.digest);
  const config = await readJson<ImageConfig>(layout, manifest.config.digest);
  const { goarch, variant } = parsePlatform(arch);
  const { mediaType } = image;
  // An absent variant agrees with any.
  const agrees = config.architecture === goarch && (config.variant === undefined || config.variant === variant);
  if (agrees || (variant === undefined && config.architecture === goarch))
    return { image: { mediaType, digest: image.digest, size: image.size, imageId: manifest.config.digest } };
  const { variant: _, ...rest } = config;
  const mended = { ...rest, architecture: goarch, os: "linux", ...(variant !== undefined && { variant }) };
  const written = await writeBlob(layout, Buffer.from(JSON.stringify(mended)));
  const renewed = { ...manifest, config: { ...manifest.config, ...written } };
  const stored = await writeBlob(layout, Buffer.from(JSON.stringify(renewed)));
  const found = [config.os, config.architecture, ...(config.variant === undefined ? [] : [config.variant])].join("/");
  return { image: { mediaType, ...stored, imageId: written.digest }, found };
}

/** @throws BtError SIDE_IMAGES_PARENT_LAYERS */
export async function checkBase(
  layout: Layout,
  cell: Cell,
  { image, parents }: { readonly image: BuiltImage; readonly parents: readonly SideImage[] },
): Promise<void> {
  if (parents.length !== 1) return; // Of several, stages may use any.
  const own = (await readJson<ImageConfig>(layout, image.id)).rootfs.diff_ids;
  const [parent] = parents;
  if (cell.kind === "image" || !isLastStageOn(cell, parent!)) return;
  const below = (await readJson<ImageConfig>(layout, parent!.imageId)).rootfs.diff_ids;
  if (!below.every((diffId, at) => own[at] === diffId)) throw layersForeign(cell.id, parent!.cell);
}

function isLastStageOn(cell: Extract<Cell, { kind: "dockerfile" }>, parent: SideImage): boolean {
  return (
    cell.base !== undefined &&
    cell.parents.some(({ reference, component }) => reference === cell.base && parent.cell.startsWith(`${component}:`))
  );
}
