/** One index from images in layouts: checked, converted, written to a layout. The same input gives the same bytes. Does not know registries. */
import { parsePlatform, type Arch } from "../../core/index.ts";
import { descriptorPlatform } from "./choose.ts";
import { convertManifest } from "./convert.ts";
import { digestOf } from "./digest.ts";
import { checkPlatforms } from "./entries.ts";
import { platformShared } from "./errors.ts";
import { checkLayers, checkPlatform, readImage, type Image } from "./image.ts";
import { hasBlob, linkBlob, putEntries, writeBlob, type Layout } from "./layout.ts";
import { isForeignLayer, mediaTypes, refNameAnnotation, type Descriptor, type Format } from "./oci.ts";
import { layoutSource } from "./source.ts";

/** One platform of an index and the image that fills it. */
export interface AssembleEntry {
  /** Any spelling that core's table knows: `arm64`, `linux/arm/v7`, `x86_64`. */
  readonly platform: string;
  readonly layout: Layout;
  /** Of the image's manifest in `layout`. */
  readonly digest: string;
  /** Where the image came from; only recorded. Absent: it was built here. */
  readonly upstream?: { readonly ref: string; readonly digest: string };
  /** Write this platform into a config that says another one. Default: false, a mismatch is an error. */
  readonly rewriteConfig?: boolean;
  /** Layers may still be where the image came from; whoever sends or completes the index checks them. Default: false. */
  readonly layersLater?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index to be assembled. */
export interface AssembleSpec {
  /** For messages: `HOST/REPO`, or the image's name in the builderfile. */
  readonly name: string;
  /** In the order in which the index lists them. */
  readonly entries: readonly AssembleEntry[];
  /** Platforms that must be there, no more and no fewer. Default: those of the entries. */
  readonly requirePlatforms?: readonly string[];
  /** Of `requirePlatforms`, those that may be missing. Default: none. */
  readonly allowMissing?: readonly string[];
  /** The same digest under two platforms. Default: false. */
  readonly allowSharedDigest?: boolean;
  /** Default: `oci`. */
  readonly format?: Format;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Name of the index in the layout's index.json. Absent: it gets no entry and is only there by digest. */
  readonly entryName?: string;
}

/** One image of an assembled index. */
export interface AssembledChild {
  readonly platform: Arch;
  /** As the index lists it. */
  readonly descriptor: Descriptor;
  /** Digest of the config; survives recompression. */
  readonly imageId: string;
  /** Manifest, config and layers together, in bytes. */
  readonly size: number;
  /** Before conversion or rewriting. Absent: the bytes were kept and it was built here. */
  readonly upstream?: { readonly ref?: string; readonly digest: string };
}

/** An index in a layout. */
export interface Assembled {
  readonly name: string;
  readonly layout: Layout;
  readonly format: Format;
  readonly descriptor: Descriptor;
  readonly children: readonly AssembledChild[];
  /** Sentences for the log. */
  readonly warnings: readonly string[];
}

interface Checked {
  readonly entry: AssembleEntry;
  readonly arch: Arch;
  readonly image: Image;
}

/**
 * Assembles an index into `into`. Everything is checked before anything is written.
 * @throws BtError MANIFEST_ENTRIES_EMPTY, MANIFEST_PLATFORM_TWICE, MANIFEST_PLATFORM_SHARED, MANIFEST_PLATFORMS_DIFFER,
 * MANIFEST_CONFIG_MISMATCH, MANIFEST_CONVERSION, PLATFORM_UNKNOWN, and those of the layouts
 */
export async function assemble(spec: AssembleSpec, into: Layout): Promise<Assembled> {
  checkPlatforms(spec);
  const format = spec.format ?? "oci";
  const checked: Checked[] = [];
  for (const entry of spec.entries) checked.push(await checkEntry(entry));
  // Conversion can fail, so it too comes before the first write.
  for (const { image } of checked) convertManifest(image.stored.bytes, image.manifest, format, spec.name);
  const children: AssembledChild[] = [];
  const warnings = new Set<string>();
  for (const one of checked) {
    const written = await writeChild(one, { spec, into, format });
    children.push(written.child);
    if (written.dropped.length > 0)
      warnings.add(`${spec.name}: v2s2 has no annotations, dropped ${written.dropped.join(", ")}`);
  }
  if (!(spec.allowSharedDigest ?? false)) checkShared(spec.name, children);
  const bytes = renderIndex(
    children.map((child) => child.descriptor),
    format,
    spec.annotations,
  );
  const { digest, size } = await writeBlob(into, bytes);
  const descriptor: Descriptor = { mediaType: mediaTypes[format].index, digest, size };
  if (spec.entryName !== undefined) {
    await putEntries(into, [{ ...descriptor, annotations: { [refNameAnnotation]: spec.entryName } }]);
  }
  return { name: spec.name, layout: into, format, descriptor, children, warnings: [...warnings] };
}

/** The bytes of an index: fixed order of fields, no spaces, maps sorted, entries as given. v2s2 has no annotations. */
export function renderIndex(
  children: readonly Descriptor[],
  format: Format,
  annotations?: Readonly<Record<string, string>>,
): Buffer {
  const manifests = children.map(({ mediaType, digest, size, platform, artifactType, annotations: own }) => ({
    mediaType,
    digest,
    size,
    ...(platform && {
      platform: {
        architecture: platform.architecture,
        os: platform.os,
        ...(platform.variant !== undefined && { variant: platform.variant }),
      },
    }),
    ...(artifactType !== undefined && { artifactType }),
    ...(own && format === "oci" && { annotations: sorted(own) }),
  }));
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes[format].index,
    manifests,
    ...(annotations && format === "oci" && Object.keys(annotations).length > 0 && { annotations: sorted(annotations) }),
  };
  return Buffer.from(JSON.stringify(index));
}

async function checkEntry(entry: AssembleEntry): Promise<Checked> {
  const { arch } = parsePlatform(entry.platform);
  const source = layoutSource(entry.layout);
  const image = await readImage(source, entry.digest);
  const [finding] = entry.layersLater === true ? [] : await checkLayers(source, image.manifest);
  if (finding !== undefined) throw finding;
  if (entry.rewriteConfig !== true) checkPlatform(image, arch, entry.upstream?.ref ?? source.place);
  return { entry, arch, image };
}

async function writeChild(
  checked: Checked,
  target: { readonly spec: AssembleSpec; readonly into: Layout; readonly format: Format },
): Promise<{ child: AssembledChild; dropped: readonly string[] }> {
  const { entry, arch } = checked;
  const { into, format, spec } = target;
  const image = await rewrite(checked, into);
  const converted = convertManifest(image.stored.bytes, image.manifest, format, spec.name);
  const { config, layers } = converted.manifest;
  const blobs = [config, ...layers.filter((layer) => !isForeignLayer(layer))];
  if (image !== checked.image) blobs.shift();
  for (const { digest } of blobs)
    if (entry.layersLater !== true || (await hasBlob(entry.layout, digest))) await linkBlob(entry.layout, into, digest);
  const { digest, size } = await writeBlob(into, converted.bytes);
  const annotations =
    format === "oci" && entry.annotations !== undefined ? { annotations: sorted(entry.annotations) } : {};
  const descriptor: Descriptor = {
    mediaType: converted.mediaType,
    digest,
    size,
    platform: descriptorPlatform(arch),
    ...annotations,
  };
  const upstream = entry.upstream ?? (digest === entry.digest ? undefined : { digest: entry.digest });
  const dropped = format === "oci" ? [] : [...converted.dropped, ...Object.keys(entry.annotations ?? {})];
  const bytes = layers.reduce((sum, layer) => sum + layer.size, size + config.size);
  return {
    child: { platform: arch, descriptor, imageId: config.digest, size: bytes, ...(upstream && { upstream }) },
    dropped,
  };
}

/** The image with its slot's platform in the config; itself if it agrees already. */
async function rewrite(checked: Checked, into: Layout): Promise<Image> {
  const { entry, arch, image } = checked;
  if (entry.rewriteConfig !== true || image.config === undefined) return image;
  const { variant, ...platform } = descriptorPlatform(arch);
  const config = { ...image.config, ...platform, ...(variant !== undefined && { variant }) };
  if (variant === undefined) delete (config as { variant?: string }).variant;
  if (JSON.stringify(config) === JSON.stringify(image.config)) return image;
  const written = await writeBlob(into, Buffer.from(JSON.stringify(config)));
  const manifest = { ...image.manifest, config: { ...image.manifest.config, ...written } };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const { document } = image.stored;
  return { stored: { digest: digestOf(bytes), bytes, document }, manifest, config };
}

function checkShared(name: string, children: readonly AssembledChild[]): void {
  for (const [n, child] of children.entries()) {
    const other = children.slice(0, n).find((before) => before.descriptor.digest === child.descriptor.digest);
    if (other !== undefined) throw platformShared(name, child.descriptor.digest, [other.platform, child.platform]);
  }
}

function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
