/** What a run is asked for: which images, which platforms, which sources. Pure; knows no network and no files. */
import { join } from "node:path";
import { parsePlatform, type Arch } from "../../core/index.ts";
import type { Entry } from "./entries.ts";
import { platformTwice } from "./errors.ts";
import type { IndexSpec } from "./options.ts";
import type { Shop } from "./shop.ts";
import { imageUnknown, imageUnsaid, platformUnoffered, sourcesLone } from "./task-errors.ts";

/** Values of PLATFORMS and ARCHITECTURES. */
export interface NarrowingValues {
  readonly platforms: readonly string[];
  readonly architectures: readonly string[];
}

/** Values that shape an index. */
export interface ShapingValues extends NarrowingValues {
  readonly format?: "oci" | "v2s2" | undefined;
  readonly allowMissing: readonly string[];
}

/** Values of IMAGE and SOURCES. */
export interface NamingValues {
  readonly image?: string | undefined;
  readonly sources?: readonly string[];
}

/** Platforms that were asked for. Undefined: all. @throws BtError PLATFORM_UNKNOWN */
export function askedPlatforms({ platforms, architectures }: NarrowingValues): readonly Arch[] | undefined {
  const names = platforms.length > 0 ? platforms : architectures;
  return names.length === 0 ? undefined : [...new Set(names.map((name) => parsePlatform(name).arch))];
}

/** The entries of an image that were asked for. @throws BtError MANIFEST_PLATFORM_UNOFFERED */
export function askedEntries(name: string, entries: readonly Entry[], values: NarrowingValues): readonly Entry[] {
  const asked = askedPlatforms(values);
  if (asked === undefined) return entries;
  const offered = entries.map(({ arch }) => arch);
  const unoffered = asked.find((arch) => !offered.includes(arch));
  if (unoffered !== undefined) throw platformUnoffered(name, unoffered, offered);
  return entries.filter(({ arch }) => asked.includes(arch));
}

/** Names of the builderfile's images that IMAGE means: all without it. @throws BtError MANIFEST_IMAGE_UNKNOWN, MANIFEST_IMAGE_UNSAID */
export function askedImages(task: string, shop: Shop, image: string | undefined): readonly string[] {
  const names = [...shop.entries.keys()];
  if (image === undefined) {
    if (names.length === 0) throw imageUnsaid(task);
    return names;
  }
  if (!names.includes(image)) throw imageUnknown(image, names);
  return [image];
}

/** What the builderfile says of an image. */
export function specOf(shop: Shop, name: string): IndexSpec {
  return shop.options.images![name]!; // Names come from the images.
}

/** Folder of an image's layout, relative to the root. */
export function layoutOf(shop: Pick<Shop, "outDir">, name: string): string {
  return join(shop.outDir, name);
}

/** One word of SOURCES: `linux/arm64=docker://…`, or a reference alone. */
export interface AdhocSource {
  /** Absent: all platforms that the reference has. */
  readonly platform?: Arch;
  readonly reference: string;
}

/** Reads SOURCES. @throws BtError PLATFORM_UNKNOWN */
export function parseSources(words: readonly string[]): readonly AdhocSource[] {
  return words.map((word) => {
    const [, platform, reference = word] = /^([\w/.-]+)=(.+)$/.exec(word) ?? [];
    return platform === undefined ? { reference } : { platform: parsePlatform(platform).arch, reference };
  });
}

/** Asks that no platform is named twice. @throws BtError MANIFEST_PLATFORM_TWICE */
export function checkSources(name: string, sources: readonly AdhocSource[]): void {
  const named = sources.flatMap(({ platform }) => platform ?? []);
  const twice = named.find((arch, n) => named.indexOf(arch) !== n);
  if (twice !== undefined) throw platformTwice(name, twice);
}

/** What the index is called: the last part of its repository. @throws BtError MANIFEST_SOURCES_LONE */
export function adhocName(image: string | undefined): string {
  if (image === undefined) throw sourcesLone();
  const plain = image.replace(/@.*$/, "").replace(/(?<=\/[^/]*):[^/]*$|^oci:/g, "");
  return plain.split("/").at(-1)?.replace(/:.*$/, "") || "image";
}
