/** Packs files as an OCI image without a base: one layer, one time for everything, the same files give the same digest. Does not publish. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { ociPlatform, parsePlatform, type Context } from "../../core/index.ts";
import {
  createLayout,
  findBlobSize,
  mediaTypes,
  openLayout,
  writeBlob,
  type ImageResult,
} from "../multiarch-manifest/index.ts";
import { store } from "./places.ts";
import type { BuiltKernel, PackedKernel } from "./result.ts";

/** Files for a layer. */
export interface PackRequest {
  /** Relative to the project root. */
  readonly from: string;
  /** Names below `from`; folders with all in them. */
  readonly names: readonly string[];
  /** Folder in the image, without leading `/`. */
  readonly to: string;
  readonly arch: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of everything in the image. Default: 0. */
  readonly epoch?: number;
  /** Files that are compressed already. */
  readonly isCompressed?: boolean;
}

/** Whether the last result is still in the store. */
export async function isPacked({ root, previous }: Context): Promise<boolean> {
  const { layout, digest, imageId } = (previous ?? {}) as Partial<ImageResult>; // Its own last result.
  if (layout === undefined || digest === undefined || imageId === undefined) return false;
  try {
    const opened = await openLayout(path.join(root, layout));
    const sizes = await Promise.all([digest, imageId].map((one) => findBlobSize(opened, one)));
    return sizes.every((size) => size !== undefined);
  } catch {
    return false;
  }
}

export async function packKernel(context: Context): Promise<PackedKernel> {
  const built = (context.needs["built"] ?? { dir: "", release: "", arch: "amd64" }) as BuiltKernel; // Of kernel:btf; absent in a dry run.
  const kernel = context.cell["kernel"] ?? "";
  const epoch = (context.params as { readonly sourceDateEpoch?: string }).sourceDateEpoch;
  const packed = await packFiles(context, {
    from: built.dir,
    names: ["."],
    to: `data/kernels/${kernel}`,
    arch: built.arch,
    labels: { "org.opencontainers.image.version": built.release, "org.opencontainers.image.title": `kernel ${kernel}` },
    ...(epoch === undefined ? {} : { epoch: Number(epoch) }),
  });
  return { ...packed, kernel, release: built.release };
}

/** Writes the image into the project's store. */
export async function packFiles(context: Context, request: PackRequest): Promise<ImageResult> {
  const { root, exec, isDryRun, log } = context;
  const { from, names, to, arch, labels, epoch = 0 } = request;
  const folder = isDryRun ? "/tmp/bt" : await context.tempDir();
  const tar = path.join(folder, "layer.tar");
  await exec("tar", [
    "--create",
    `--file=${tar}`,
    "--format=gnu",
    "--sort=name",
    `--mtime=@${epoch}`,
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    `--transform=s,^\\(\\./\\)\\?,${to}/,S`,
    `--directory=${path.join(root, from)}`,
    ...names,
  ]);
  const platform = ociPlatform(arch);
  if (isDryRun) return { platform, digest: "", imageId: "", mediaType: "", size: 0, layout: store };
  const layout = await createLayout(path.join(root, store));
  const hash = createHash("sha256");
  const gzip = createGzip({ level: request.isCompressed === true ? 1 : 6 });
  async function* hashed(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const [layer] = await Promise.all([writeBlob(layout, gzip), pipeline(fs.createReadStream(tar), hashed, gzip)]);
  const { goarch, variant } = parsePlatform(arch);
  const created = new Date(epoch * 1000).toISOString();
  const config = {
    created,
    architecture: goarch,
    ...(variant === undefined ? {} : { variant }),
    os: "linux",
    // Engines create no container without a command; this one is never run.
    config: { Cmd: ["/none"], Labels: labels },
    rootfs: { type: "layers", diff_ids: [`sha256:${hash.digest("hex")}`] },
    history: [{ created, created_by: `bt ${context.name}` }],
  };
  const configBlob = await writeBlob(layout, Buffer.from(JSON.stringify(config)));
  const mediaType = mediaTypes.oci.manifest;
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: mediaTypes.oci.config, ...configBlob },
    layers: [{ mediaType: mediaTypes.oci.layerGzip, ...layer }],
  };
  const written = await writeBlob(layout, Buffer.from(JSON.stringify(manifest)));
  log.info(`/${to}  ${platform}  ${written.digest}  ${Math.ceil(layer.size / 1e6)} MB`);
  return { platform, ...written, imageId: configBlob.digest, mediaType, layout: store };
}
