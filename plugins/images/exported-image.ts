/** Takes what an engine has built into the project's layout: checked, without what the engine says about itself. Does not know engines. */
import { ociPlatform, parsePlatform } from "../../core/index.ts";
import {
  blobPath,
  findBlobSize,
  mediaTypes,
  readBlob,
  readJson,
  writeBlob,
  type Descriptor,
  type ImageConfig,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import type { BuiltImage } from "./embedded.ts";
import { resultPlatform, resultUnreadable } from "./engine-errors.ts";
import type { EngineName } from "./engine-name.ts";
import type { ExportedImage, PreparedBuild } from "./engine-request.ts";
import { linkFile } from "./prepared-build.ts";

/**
 * Copies the image into the layout of the request.
 * @throws BtError IMAGES_RESULT_PLATFORM, IMAGES_RESULT_UNREADABLE
 */
export async function takeImage(
  { layout, digest }: ExportedImage,
  { request, bases }: PreparedBuild,
  engine: EngineName,
): Promise<BuiltImage> {
  const { into, platform, dockerfile } = request;
  const found = await readJson<Manifest>(layout, digest);
  const bytes = await readBlob(layout, found.config.digest);
  const config = JSON.parse(bytes.toString("utf8")) as ImageConfig;
  checkPlatform(config, () => resultPlatform(dockerfile, { ...describe(config), engine }));
  if (config.rootfs.diff_ids.length !== found.layers.length)
    throw resultUnreadable(engine, "its config and its manifest do not have the same number of layers");
  // Engines compress the layers of bases anew: theirs would be stored and sent a second time.
  const known = new Map(
    bases.flatMap(({ image }) =>
      image.config.rootfs.diff_ids.map((diffId, at) => [diffId, image.layers[at]!] as const),
    ),
  );
  const layers = found.layers.map((layer, at) => known.get(config.rootfs.diff_ids[at]!) ?? toOci(layer)); // As many as layers.
  for (const layer of layers) await takeBlob(layout, into, layer);
  const isDocker = found.config.mediaType === mediaTypes.v2s2.config;
  const kept = await writeBlob(into, isDocker ? renderConfig(config) : bytes);
  const mediaType = mediaTypes.oci.manifest;
  // Without annotations: engines name the base by what it was called for this build.
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: mediaTypes.oci.config, ...kept },
    layers,
  };
  const written = await writeBlob(into, Buffer.from(JSON.stringify(manifest)));
  return { platform: ociPlatform(platform), id: kept.digest, mediaType, ...written };

  function describe(image: ImageConfig): { expected: string; found: string } {
    const parts = [image.os, image.architecture, ...(image.variant === undefined ? [] : [image.variant])];
    return { expected: ociPlatform(platform), found: parts.join("/") };
  }

  function checkPlatform(image: ImageConfig, refuse: () => Error): void {
    const { goarch, variant } = parsePlatform(platform);
    const agrees = variant === undefined || image.variant === undefined || image.variant === variant;
    if (image.os !== "linux" || image.architecture !== goarch || !agrees) throw refuse();
  }
}

async function takeBlob(from: Layout, into: Layout, { digest, size }: Descriptor): Promise<void> {
  if ((await findBlobSize(into, digest)) === size) return;
  await linkFile(blobPath(from, digest), blobPath(into, digest));
}

/** Docker's format names the container and the host that built it; what is left is the same on every machine. */
function renderConfig(image: ImageConfig): Buffer {
  const { created, architecture, os, variant, rootfs, history } = image;
  const author = (image as { author?: string }).author;
  const named = ["User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "Volumes", "WorkingDir", "Labels"];
  const docker = ["StopSignal", "Healthcheck", "OnBuild", "Shell", "ArgsEscaped"];
  const config = Object.fromEntries(
    Object.entries(image.config ?? {}).filter(([name, value]) => [...named, ...docker].includes(name) && isSet(value)),
  );
  return Buffer.from(JSON.stringify({ created, author, architecture, os, variant, config, rootfs, history }));
}

function isSet(value: unknown): boolean {
  if (value === null || value === "") return false;
  return typeof value !== "object" || Object.keys(value).length > 0;
}

function toOci(layer: Descriptor): Descriptor {
  const { v2s2, oci } = mediaTypes;
  const { digest, size } = layer;
  const types: Readonly<Record<string, string>> = { [v2s2.layer]: oci.layer, [v2s2.layerGzip]: oci.layerGzip };
  return { mediaType: types[layer.mediaType] ?? layer.mediaType, digest, size };
}
