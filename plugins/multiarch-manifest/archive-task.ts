/** The work of `manifest:archive`: indexes as tar files of OCI layouts, complete or absent. Asks registries only for layers that are still there. */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createAdhoc } from "./adhoc.ts";
import { completeLayout } from "./complete.ts";
import { inRoot, type ConnectionValues } from "./connection.ts";
import { askedImages, specOf, type NamingValues, type ShapingValues } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { parseManifest } from "./document.ts";
import { blobPath, openLayout, readBlob } from "./layout.ts";
import { isForeignLayer, mediaTypes, refNameAnnotation, type Descriptor } from "./oci.ts";
import type { CreateResult, PlatformResult } from "./result.ts";
import type { Shop } from "./shop.ts";
import { writeTar, type TarEntry } from "./tarfile.ts";

type Values = ConnectionValues & NamingValues & ShapingValues & { readonly split: boolean; readonly outputDir: string };

/** Paths of the written files, relative to the root, by image. */
export type ArchiveResult = Readonly<Record<string, readonly string[]>>;

/** Writes `NAME.tar`, or `NAME-ARCH.tar` for each platform. The same index gives the same bytes. */
export async function archiveImages(
  context: Desk<Values> & { readonly needs: Readonly<Record<string, CreateResult | undefined>> },
  shop: Shop,
): Promise<ArchiveResult> {
  const { root, log, params, needs } = context;
  const isAdhoc = (params.sources?.length ?? 0) > 0;
  const names = isAdhoc ? [] : askedImages(context.name, shop, params.image);
  if (context.isDryRun) {
    if (isAdhoc) await createAdhoc(context, shop, undefined);
    for (const name of names) log.info(`archive ${name} in ${params.outputDir}`);
    return {};
  }
  return withClient(context, shop, async (client) => {
    const created = isAdhoc
      ? [(await createAdhoc(context, shop, client))!] // With a client there is one.
      : names.flatMap((name) => needs[name] ?? []);
    const files: Record<string, readonly string[]> = {};
    for (const one of created) {
      await completeLayout(client, root, one);
      const reference = isAdhoc ? inRoot(root, params.image ?? "") : referenceOf(shop, one.name, params);
      const parts = params.split
        ? Object.values(one.platforms).map((platform) => ({ suffix: suffixOf(platform), only: platform }))
        : [{ suffix: "", only: undefined }];
      const written: string[] = [];
      for (const { suffix, only } of parts) {
        const file = join(params.outputDir, `${one.name}${suffix}.tar`);
        await writeArchive(root, one, { file, reference, only });
        log.info(file);
        written.push(file);
      }
      files[one.name] = written;
    }
    return files;
  });
}

function suffixOf({ platform }: PlatformResult): string {
  return `-${platform.replace("linux/", "").replace("/", "")}`;
}

function referenceOf(shop: Shop, name: string, { image }: NamingValues): string {
  const { name: place, tags, alsoTags = [] } = specOf(shop, name);
  return `${place}:${tags[0] ?? alsoTags[0] ?? image ?? "latest"}`;
}

async function writeArchive(
  root: string,
  { layout: dir, digest, mediaType, size, platforms }: CreateResult,
  part: { readonly file: string; readonly reference: string; readonly only: PlatformResult | undefined },
): Promise<void> {
  const { file, reference, only } = part;
  const layout = await openLayout(join(root, dir));
  const images = only === undefined ? Object.values(platforms) : [only];
  const blobs = new Map<string, number>();
  if (only === undefined) blobs.set(digest, size);
  for (const image of images) {
    blobs.set(image.digest, image.size);
    const { config, layers } = parseManifest(await readBlob(layout, image.digest), image.digest, image.mediaType);
    for (const blob of [config, ...layers]) if (!isForeignLayer(blob)) blobs.set(blob.digest, blob.size);
  }
  const entry: Descriptor =
    only === undefined
      ? { mediaType, digest, size }
      : { mediaType: only.mediaType, digest: only.digest, size: only.size };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.oci.index,
    manifests: [{ ...entry, annotations: { [refNameAnnotation]: reference.replace(/^docker:\/\//, "") } }],
  };
  const entries: TarEntry[] = [
    { name: "oci-layout", data: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { name: "index.json", data: Buffer.from(JSON.stringify(index)) },
    ...[...blobs].sort().map(([blob, bytes]): TarEntry => ({
      name: `blobs/sha256/${blob.slice("sha256:".length)}`,
      path: blobPath(layout, blob),
      size: bytes,
    })),
  ];
  const target = resolve(root, file);
  await mkdir(join(target, ".."), { recursive: true });
  await writeTar(target, entries);
}
