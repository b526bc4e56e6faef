/** Gives the layers that a build has added to its bases one time, compressed the same way on every machine. Does not know engines. */
import {
  mediaTypes,
  openBlob,
  readJson,
  writeBlob,
  type ImageConfig,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { decompress, type Compression } from "./compression.ts";
import type { ExportedImage, PreparedBuild } from "./engine-request.ts";
import { compressLayer, type Layer } from "./layer.ts";
import { retimeTar } from "./retime.ts";

/** The same image in the same layout, with the time of the build in its own layers; those of bases stay as they are. */
export async function retimeImage(
  { layout, digest }: ExportedImage,
  { bases, timestamp, request: { signal } }: PreparedBuild,
): Promise<ExportedImage> {
  const manifest = await readJson<Manifest>(layout, digest);
  const config = await readJson<ImageConfig>(layout, manifest.config.digest);
  const known = new Set(bases.flatMap(({ image }) => image.config.rootfs.diff_ids));
  const layers: Layer[] = [];
  for (const [at, descriptor] of manifest.layers.entries()) {
    const diffId = config.rootfs.diff_ids[at] ?? "";
    const tar = async (): Promise<AsyncIterable<Uint8Array>> =>
      decompress(await openBlob(layout, descriptor.digest), compressionOf(descriptor.mediaType));
    const made = known.has(diffId)
      ? { descriptor, diffId }
      : await compressLayer(retimeTar(await tar(), timestamp), { into: layout, ...(signal && { signal }) });
    layers.push(made);
  }
  const rootfs = { type: "layers" as const, diff_ids: layers.map(({ diffId }) => diffId) };
  const written = await writeBlob(layout, Buffer.from(JSON.stringify({ ...config, rootfs })));
  const retimed: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.manifest,
    config: { ...manifest.config, ...written },
    layers: layers.map(({ descriptor }) => descriptor),
  };
  return { layout, digest: (await writeBlob(layout, Buffer.from(JSON.stringify(retimed)))).digest };
}

function compressionOf(mediaType: string): Compression {
  const [, name] = /[+.](gzip|zstd)$/.exec(mediaType) ?? [];
  return name === "gzip" || name === "zstd" ? name : "none";
}
