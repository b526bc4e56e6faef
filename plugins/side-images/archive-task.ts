/** Packs the images of each architecture into one tar file of an OCI layout, complete or absent. Does not build. */
import { mkdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Arch } from "../../core/index.ts";
import {
  blobPath,
  createLayout,
  findBlobSize,
  openLayout,
  readJson,
  writeTar,
  type Descriptor,
  type Layout,
  type Manifest,
} from "../multiarch-manifest/index.ts";
import { suffixOf } from "./arch.ts";
import { fetchExternal, resolveExternal, withClient } from "./external.ts";
import type { IndexResult } from "./manifest-task.ts";
import { places, planOf, type SideContext, type Site } from "./role.ts";

type Packed = Descriptor & { readonly reference: string; readonly layout: Layout };

/** Names of the files, relative to the root. */
export async function archiveImages(context: SideContext, site: Site): Promise<readonly string[]> {
  const { root, log, params, needs, isDryRun } = context;
  const { tag, values, arches, options } = planOf(site);
  const outputDir = String(params["outputDir"]);
  const version = typeof params["baseVersion"] === "string" ? params["baseVersion"] : tag;
  const indexes = Object.values(needs) as readonly (IndexResult | undefined)[]; // The results of manifest tasks.
  const extension = { none: "", bz2: ".bz2", zst: ".zst" }[options.archive?.compress ?? "none"];
  const files: string[] = [];
  for (const arch of arches) {
    const file = join(outputDir, `microshift-containers-${version}-${suffixOf(arch)}.tar`);
    files.push(`${file}${extension}`);
    if (isDryRun) {
      log.info(`pack ${file}${extension}`);
      continue;
    }
    const own: Packed[] = [];
    for (const index of indexes)
      for (const image of index?.images ?? [])
        if (image.cell.endsWith(`:${suffixOf(arch)}`))
          own.push({
            mediaType: image.mediaType,
            digest: image.digest,
            size: image.size,
            reference: `${values.destRegistry}/${index!.component}:${tag}`,
            layout: await openLayout(join(root, image.layout)),
          });
    await mkdir(resolve(root, outputDir), { recursive: true });
    await pack(resolve(root, file), [...own, ...(await takeOthers(context, site, arch))]);
    if (extension !== "") await compress(context, resolve(root, file), extension);
    log.info(`${file}${extension}: ${own.length} components`);
  }
  return files;
}

async function takeOthers({ root, signal, settings }: SideContext, site: Site, arch: Arch): Promise<readonly Packed[]> {
  const references = planOf(site).options.archive?.images ?? [];
  if (references.length === 0) return [];
  const layout = await createLayout(join(root, places.store));
  return withClient(site, { root, signal }, (client) =>
    Promise.all(
      references.map(async (reference) => {
        const mirrors = settings.mirrors === undefined ? {} : { mirrors: settings.mirrors };
        const external = await resolveExternal(site, reference, { client, platform: arch, ...mirrors });
        const image = await fetchExternal(site, external, layout, { client, platform: arch });
        return { ...image, reference: external.name, layout };
      }),
    ),
  );
}

async function pack(file: string, images: readonly Packed[]): Promise<void> {
  const blobs = new Map<string, { readonly path: string; readonly size: number }>();
  for (const { layout, digest, size } of images) {
    const manifest = await readJson<Manifest>(layout, digest);
    for (const blob of [{ digest, size }, manifest.config, ...manifest.layers]) {
      const found = (await findBlobSize(layout, blob.digest)) ?? blob.size;
      blobs.set(blob.digest, { path: blobPath(layout, blob.digest), size: found });
    }
  }
  const manifests = images.map(({ mediaType, digest, size, reference }) => ({
    mediaType,
    digest,
    size,
    annotations: { "org.opencontainers.image.ref.name": reference },
  }));
  await writeTar(file, [
    { name: "oci-layout", data: Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })) },
    { name: "index.json", data: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })) },
    ...[...blobs]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([digest, blob]) => ({ name: `blobs/${digest.replace(":", "/")}`, ...blob })),
  ]);
}

/** `--keep` and a name aside, so that the compressed file too is complete or absent. */
async function compress({ exec, defer }: SideContext, file: string, extension: string): Promise<void> {
  const staged = `${file}.part`;
  await rename(file, staged);
  defer(() => rm(staged, { force: true }));
  defer(() => rm(`${staged}${extension}`, { force: true }));
  const [program, ...words] = extension === ".bz2" ? ["bzip2", "--force"] : ["zstd", "--quiet", "--force", "--rm"];
  await exec(program!, [...words, staged]);
  await rename(`${staged}${extension}`, `${file}${extension}`);
}
