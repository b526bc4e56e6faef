/** Images as `docker load` and `docker save` have them: one tar file, and how it becomes a layout or comes from one. Does not start docker. */
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import {
  findBlobSize,
  mediaTypes,
  openBlob,
  readBlob,
  writeBlob,
  type Descriptor,
  type ImageConfig,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { resultUnreadable } from "./engine-errors.ts";
import type { Base, ExportedImage } from "./engine-request.ts";
import { compressLayer, type Layer } from "./layer.ts";
import { retimeTar } from "./retime.ts";
import { readTar, writeTar, type TarEntry } from "./tar.ts";

/** The list that every such file holds. */
interface SavedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

/** How to read a file. */
export interface ArchiveOptions {
  readonly into: Layout;
  /** Layers of these images are taken from `into` as they are there, compressed as they came. */
  readonly bases: readonly Base[];
  /** Label that only helped to find what docker kept; it is taken out. */
  readonly mark: string;
  /** Seconds since 1970: the time of everything that the bases do not have. */
  readonly timestamp: number;
  readonly signal?: AbortSignal;
}

/** Writes one image of a layout, called `tag`, for `docker load`. */
export async function writeDockerArchive(base: Base, from: Layout, to: { path: string; tag: string }): Promise<void> {
  const config = await readBlob(from, `sha256:${base.id}`);
  const name = (digest: string): string => `${digest.slice("sha256:".length)}.tar`;
  const layers = base.image.layers.map(({ digest }) => name(digest));
  const saved: SavedImage = { Config: `${base.id}.json`, RepoTags: [to.tag], Layers: layers };
  const entries: TarEntry[] = [textEntry("manifest.json", JSON.stringify([saved])), fileEntry(saved.Config, config)];
  for (const digest of new Set(base.image.layers.map((layer) => layer.digest)))
    entries.push({
      ...header(name(digest), (await findBlobSize(from, digest)) ?? 0),
      open: async function* () {
        yield* await openBlob(from, digest);
      },
    });
  await pipeline(writeTar(entries), createWriteStream(to.path));
}

/**
 * Puts the image of a file that `docker save` wrote into a layout: its layers compressed the same way on every machine.
 * @throws BtError IMAGES_RESULT_UNREADABLE
 */
export async function readDockerArchive(path: string, options: ArchiveOptions): Promise<ExportedImage> {
  const { into, bases, timestamp, signal } = options;
  const { saved, texts, links } = await readHead(path);
  const bytes = texts.get(saved.Config);
  if (bytes === undefined) throw resultUnreadable("docker", `there is no "${saved.Config}"`);
  const config = JSON.parse(bytes) as ImageConfig;
  const diffIds = config.rootfs.diff_ids;
  const known = new Map<string, Descriptor>(
    bases.flatMap(({ image }) =>
      image.config.rootfs.diff_ids.map((diffId, index) => [diffId, image.layers[index]!] as const),
    ),
  );
  const places = saved.Layers.map((layer) => links.get(layer) ?? layer);
  const made = new Map<string, Layer>();
  const wanted = new Set(places.filter((_, index) => !known.has(diffIds[index] ?? "")));
  for await (const { header: found, body } of readTar(createReadStream(path))) {
    if (!wanted.has(found.path)) continue;
    const layer = await compressLayer(retimeTar(body, timestamp), {
      into,
      ...(signal === undefined ? {} : { signal }),
    });
    made.set(found.path, layer);
  }
  const layers = diffIds.map((diffId, index): Layer => {
    const descriptor = known.get(diffId);
    const layer = descriptor === undefined ? made.get(places[index] ?? "") : { descriptor, diffId };
    if (layer === undefined) throw resultUnreadable("docker", `the layer ${diffId} is not in it`);
    return layer;
  });
  const rootfs = { type: "layers" as const, diff_ids: layers.map(({ diffId }) => diffId) };
  const cleaned = { ...cleanConfig(config, options), rootfs };
  const written = await writeBlob(into, Buffer.from(JSON.stringify(cleaned)));
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    config: { mediaType: mediaTypes.v2s2.config, ...written },
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { layout: into, digest: (await writeBlob(into, Buffer.from(JSON.stringify(manifest)))).digest };
}

interface Head {
  readonly saved: SavedImage;
  /** Small files. */
  readonly texts: ReadonlyMap<string, string>;
  /** A layer that is in the file twice is a link to the first one. */
  readonly links: ReadonlyMap<string, string>;
}

async function readHead(path: string): Promise<Head> {
  const texts = new Map<string, string>();
  const links = new Map<string, string>();
  const maxBytes = 4 * 1024 * 1024;
  for await (const { header: found, body } of readTar(createReadStream(path))) {
    if (found.kind === "link") links.set(found.path, new URL(found.target, `file:///${found.path}`).pathname.slice(1));
    // Configs are named after their digest, with or without an ending.
    const isText = /(^|\/)(manifest\.json|[0-9a-f]{64}(\.json)?)$/.test(found.path);
    if (found.kind !== "file" || !isText || found.size > maxBytes) continue;
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    texts.set(found.path, Buffer.concat(chunks).toString("utf8"));
  }
  const [saved] = JSON.parse(texts.get("manifest.json") ?? "[]") as readonly SavedImage[];
  if (saved === undefined) throw resultUnreadable("docker", 'its "manifest.json" names no image');
  return { saved, texts, links };
}

function cleanConfig(config: ImageConfig, { bases, mark, timestamp }: ArchiveOptions): ImageConfig {
  const [name = ""] = mark.split("=");
  const { [name]: _, ...Labels } = config.config?.Labels ?? {};
  const created = new Date(timestamp * 1000).toISOString().replace(".000Z", "Z");
  const before = new Set(bases.flatMap(({ image }) => image.config.history?.map((line) => JSON.stringify(line)) ?? []));
  const history = (config.history ?? [])
    .filter(({ created_by = "" }) => !created_by.includes(mark))
    .map((line) => (before.has(JSON.stringify(line)) ? line : { ...line, created }));
  return { ...config, created, config: { ...config.config, Labels }, history };
}

function textEntry(path: string, text: string): TarEntry {
  return fileEntry(path, Buffer.from(text));
}

function fileEntry(path: string, bytes: Uint8Array): TarEntry {
  return {
    ...header(path, bytes.length),
    open: async function* () {
      yield bytes;
    },
  };
}

function header(path: string, size: number): Pick<TarEntry, "header" | "mtime"> {
  const owned = { mode: 0o644, uid: 0, gid: 0, target: "", major: 0, minor: 0 };
  return { header: { ...owned, path, kind: "file", size }, mtime: 0 };
}
