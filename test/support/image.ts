/** Small images made without an engine: a config, one gzip tar layer, a manifest, in a layout. */
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { digestOf } from "../../plugins/multiarch-manifest/digest.ts";
import { createLayout, putEntries, writeBlob, type Layout } from "../../plugins/multiarch-manifest/layout.ts";
import {
  mediaTypes,
  refNameAnnotation,
  type Descriptor,
  type DescriptorPlatform,
  type Format,
} from "../../plugins/multiarch-manifest/oci.ts";
import { temporaryFolder } from "./temporary.ts";

/** What an image holds. */
export interface ImageContent {
  readonly platform?: DescriptorPlatform;
  /** Path to text. Default: one file with the platform's name. */
  readonly files?: Readonly<Record<string, string | Buffer>>;
  readonly format?: Format;
  /** Entry name in index.json. Default: `1`. */
  readonly name?: string;
  /** Leaves the layer uncompressed by gzip level. Default: 9. */
  readonly level?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image in a layout. */
export interface TestImage {
  readonly layout: Layout;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly layer: Descriptor;
}

/** Writes an image to `layout`, or to a layout of its own. */
export async function writeImage(content: ImageContent = {}, layout?: Layout): Promise<TestImage> {
  const into = layout ?? (await createLayout(await temporaryFolder()));
  const platform = content.platform ?? { architecture: "amd64", os: "linux" };
  const types = mediaTypes[content.format ?? "oci"];
  const tar = await tarOf(content.files ?? { "hello.txt": `bread for ${platform.architecture}` });
  const layer = {
    mediaType: types.layerGzip,
    ...(await writeBlob(into, gzipSync(tar, { level: content.level ?? 9 }))),
  };
  const json = {
    ...platform,
    config: { Cmd: ["/hello"] },
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
    history: [{ created_by: "oven" }],
  };
  const config = { mediaType: types.config, ...(await writeBlob(into, Buffer.from(JSON.stringify(json)))) };
  const annotations = content.annotations === undefined ? {} : { annotations: content.annotations };
  const bytes = JSON.stringify({
    schemaVersion: 2,
    mediaType: types.manifest,
    config,
    layers: [layer],
    ...annotations,
  });
  const manifest = { mediaType: types.manifest, ...(await writeBlob(into, Buffer.from(bytes))) };
  await putEntries(into, [{ ...manifest, annotations: { [refNameAnnotation]: content.name ?? "1" } }]);
  return { layout: into, manifest, config, layer };
}

async function tarOf(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, data] of Object.entries(files)) tar.entry({ name, mtime: new Date(0) }, Buffer.from(data));
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
