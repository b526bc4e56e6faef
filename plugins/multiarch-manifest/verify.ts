/** Proves that an image or index is whole: hashes, platforms, families, configs, layers. Reads any source, changes nothing. */
import { createHash } from "node:crypto";
import { createGunzip } from "node:zlib";
import { isBtError, parsePlatform, type Arch } from "../../core/index.ts";
import { archOf, isImage, renderPlatform } from "./choose.ts";
import { isFamily } from "./convert.ts";
import {
  blobCorrupt,
  blobSize,
  diffIdMismatch,
  familyMixed,
  platformForeign,
  platformTwice,
  platformsDiffer,
} from "./errors.ts";
import { checkLayers, checkPlatform, readImage, type Image } from "./image.ts";
import { isForeignLayer, mediaTypes, type Descriptor, type Format, type Index } from "./oci.ts";
import type { Source } from "./source.ts";

/** What is asked for, and how thoroughly. */
export interface VerifyOptions {
  /** Platforms that must be there, no more and no fewer, in any spelling. Default: those that are there. */
  readonly platforms?: readonly string[];
  /** Of `platforms`, those that may be missing. Default: none. */
  readonly allowMissing?: readonly string[];
  /** Default: the family of the index itself. */
  readonly format?: Format;
  /** Also read and hash every layer, compressed and uncompressed. Default: false. */
  readonly deep?: boolean;
}

/** One proven image of an index. */
export interface VerifiedChild {
  readonly platform: Arch;
  readonly digest: string;
  readonly imageId: string;
  readonly mediaType: string;
}

/** The outcome of a verification. */
export interface Verification {
  readonly digest: string;
  readonly mediaType: string;
  readonly children: readonly VerifiedChild[];
  /** Everything that is wrong, in the order of the index. Empty: it is proven. */
  readonly findings: readonly Error[];
}

/**
 * Verifies the image or index `name` (a digest, tag or entry name) of a source. Findings are collected, not thrown;
 * only a missing or unreadable index itself is thrown.
 */
export async function verify(
  source: Source,
  name: string | undefined,
  options: VerifyOptions = {},
): Promise<Verification> {
  const { digest, document } = await source.readDocument(name);
  const listed: readonly Descriptor[] = document.kind === "index" ? document.index.manifests.filter(isImage) : [];
  const findings: Error[] = [];
  const children: VerifiedChild[] = [];
  const format = options.format ?? formatOf(document.mediaType);
  if (document.kind === "index" && document.mediaType !== mediaTypes[format].index)
    findings.push(familyMixed(source.place, digest, format));
  const targets = document.kind === "index" ? listed : [{ mediaType: document.mediaType, digest, size: -1 }];
  const child = { format, deep: options.deep ?? false, nested: document.kind === "index" };
  for (const result of await Promise.all(targets.map((target) => verifyChild(source, target, child)))) {
    findings.push(...result.findings);
    if (result.child !== undefined) children.push(result.child);
  }
  const found = document.kind === "index" ? listedArches(document.index) : children.map((child) => child.platform);
  findings.push(...comparePlatforms(source.place, found, options));
  return { digest, mediaType: document.mediaType, children, findings };
}

interface ChildOptions {
  readonly format: Format;
  readonly deep: boolean;
  /** Whether an index lists it: its platform and size are then known. */
  readonly nested: boolean;
}

async function verifyChild(
  source: Source,
  target: Descriptor,
  options: ChildOptions,
): Promise<{ child?: VerifiedChild; findings: readonly Error[] }> {
  const findings: Error[] = [];
  const image = await collect(findings, () => readImage(source, target.digest));
  if (image === undefined) return { findings };
  const { bytes, digest, document } = image.stored;
  const platform = options.nested ? target.platform : image.config;
  const arch = platform === undefined ? undefined : archOf(platform);
  if (arch === undefined) findings.push(platformForeign(source.place, digest, renderPlatform(platform)));
  else await collect(findings, async () => checkPlatform(image, arch, source.place));
  if (options.nested && bytes.length !== target.size) {
    findings.push(blobSize(source.place, digest, { expected: target.size, found: bytes.length }));
  }
  const typed =
    target.mediaType === mediaTypes[options.format].manifest &&
    isFamily({ ...image.manifest, mediaType: document.mediaType }, options.format);
  if (!typed) findings.push(familyMixed(source.place, digest, options.format));
  const layers = await checkLayers(source, image.manifest);
  findings.push(...layers);
  if (options.deep && layers.length === 0) findings.push(...(await verifyLayers(source, image)));
  if (arch === undefined) return { findings };
  return {
    findings,
    child: { platform: arch, digest, imageId: image.manifest.config.digest, mediaType: document.mediaType },
  };
}

function listedArches(index: Index): Arch[] {
  return index.manifests.filter(isImage).flatMap((child) => (child.platform && archOf(child.platform)) ?? []);
}

function comparePlatforms(place: string, found: readonly Arch[], options: VerifyOptions): Error[] {
  const twice = found.find((arch, n) => found.indexOf(arch) !== n);
  if (twice !== undefined) return [platformTwice(place, twice)];
  if (options.platforms === undefined) return [];
  const required = options.platforms.map((name) => parsePlatform(name).arch);
  const allowed = (options.allowMissing ?? []).map((name) => parsePlatform(name).arch);
  const missing = required.filter((arch) => !found.includes(arch) && !allowed.includes(arch));
  const extra = found.filter((arch) => !required.includes(arch));
  return missing.length > 0 || extra.length > 0 ? [platformsDiffer(place, missing, extra)] : [];
}

/** Hashes layers as they are and uncompressed, one after the other, as streams. */
async function verifyLayers(source: Source, image: Image): Promise<Error[]> {
  const findings: Error[] = [];
  for (const [n, layer] of image.manifest.layers.entries()) {
    if (isForeignLayer(layer)) continue;
    const expected = image.config?.rootfs.diff_ids[n];
    const { digest, diffId } = await hashLayer(await source.openBlob(layer.digest), layer.mediaType);
    if (digest !== layer.digest) findings.push(blobCorrupt(source.place, layer.digest, digest));
    else if (expected !== undefined && diffId !== undefined && diffId !== expected) {
      findings.push(diffIdMismatch(source.place, layer.digest, { expected, found: diffId }));
    }
  }
  return findings;
}

/** `diffId` is undefined for zstd, which Node 20 cannot uncompress, and "" for a broken gzip stream. */
async function hashLayer(
  data: AsyncIterable<Uint8Array>,
  mediaType: string,
): Promise<{ digest: string; diffId: string | undefined }> {
  const packed = createHash("sha256");
  const gzip = mediaType.endsWith("gzip");
  const plain = gzip ? unpack() : undefined;
  for await (const chunk of data) {
    packed.update(chunk);
    await plain?.write(chunk);
  }
  const digest = `sha256:${packed.digest("hex")}`;
  if (plain !== undefined) return { digest, diffId: await plain.end() };
  return { digest, diffId: mediaType.endsWith("zstd") ? undefined : digest };
}

/** Hashes what a gzip stream unpacks to; goes on taking bytes after an error, since the packed hash needs them all. */
function unpack(): { write: (chunk: Uint8Array) => Promise<void>; end: () => Promise<string> } {
  const hash = createHash("sha256");
  const gunzip = createGunzip().on("data", (chunk: Buffer) => hash.update(chunk));
  const closed = new Promise<boolean>((resolve) => {
    gunzip.on("end", () => resolve(true)).on("error", () => resolve(false));
  });
  return {
    write: async (chunk) => {
      if (gunzip.destroyed || gunzip.write(chunk)) return;
      await Promise.race([closed, new Promise((resolve) => void gunzip.once("drain", resolve))]);
    },
    end: async () => {
      gunzip.end();
      return (await closed) ? `sha256:${hash.digest("hex")}` : "";
    },
  };
}

function formatOf(mediaType: string): Format {
  return mediaType === mediaTypes.v2s2.index || mediaType === mediaTypes.v2s2.manifest ? "v2s2" : "oci";
}

/** Runs a check; a BtError becomes a finding. */
async function collect<T>(findings: Error[], check: () => Promise<T>): Promise<T | undefined> {
  try {
    return await check();
  } catch (error) {
    if (!isBtError(error)) throw error;
    findings.push(error);
    return undefined;
  }
}
