/** digests.json: what was published, by digest, for people and other programs. Does not publish. */
import { readFile } from "node:fs/promises";
import { replaceFile } from "../../core/index.ts";
import { withLock } from "./lock.ts";
import type { Published } from "./publish.ts";

/** One platform of a published image. */
export interface PlatformDigest {
  readonly digest: string;
  readonly imageId: string;
  /** Manifest, config and layers, in bytes. */
  readonly size: number;
  /** Where it came from, or what it was before conversion. Absent: it was built here. */
  readonly source?: { readonly ref?: string; readonly digest: string };
}

/** One published image. */
export interface ImageDigest {
  readonly ref: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly tags: readonly string[];
  /** RFC 3339. */
  readonly pushedAt: string;
  /** By `linux/arm64`. */
  readonly platforms: Readonly<Record<string, PlatformDigest>>;
}

/** The whole file. */
export interface Digests {
  readonly schema: 1;
  /** By the image's name in the builderfile. */
  readonly images: Readonly<Record<string, ImageDigest>>;
}

/** What a publish has proven, as the file's content. Pure. */
export function renderDigests(results: readonly Published[], now: Date): Digests {
  const entries = results.map((result): [string, ImageDigest] => {
    const platforms = result.item.image.children.map(
      ({ platform, descriptor, imageId, size, upstream }): [string, PlatformDigest] => [
        `linux/${platform}`,
        { digest: descriptor.digest, imageId, size, ...(upstream && { source: upstream }) },
      ],
    );
    const { reference: ref, digest, mediaType, tags } = result;
    return [
      result.name,
      { ref, digest, mediaType, tags, pushedAt: now.toISOString(), platforms: Object.fromEntries(platforms) },
    ];
  });
  return { schema: 1, images: Object.fromEntries(entries) };
}

/** Adds what a publish has proven to the file at `path`; images of other publishes stay. An unchanged image keeps its `pushedAt`. */
export async function writeDigests(path: string, results: readonly Published[], now: Date): Promise<Digests> {
  return withLock(`${path}.lock`, async () => {
    const before = await readDigests(path);
    const images: Record<string, ImageDigest> = { ...before.images };
    for (const [name, image] of Object.entries(renderDigests(results, now).images)) {
      const known = before.images[name];
      const kept =
        known?.digest === image.digest && results.find((result) => result.name === name)?.status === "unchanged";
      images[name] = kept ? { ...image, pushedAt: known.pushedAt } : image;
    }
    const digests: Digests = {
      schema: 1,
      images: Object.fromEntries(Object.entries(images).sort(([a], [b]) => (a < b ? -1 : 1))),
    };
    replaceFile(path, `${JSON.stringify(digests, undefined, 2)}\n`);
    return digests;
  });
}

/** The file at `path`; empty when there is none, or none of this schema. */
export async function readDigests(path: string): Promise<Digests> {
  try {
    const digests = JSON.parse(await readFile(path, "utf8")) as Digests;
    if (digests.schema === 1 && typeof digests.images === "object") return digests;
  } catch {
    // Absent or from another time: it is written anew.
  }
  return { schema: 1, images: {} };
}
