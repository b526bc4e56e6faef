/** The work of `manifest:inspect`: what a reference stands for now, as a table or as JSON. Changes nothing. */
import { inRoot, type ConnectionValues } from "./connection.ts";
import { isImage, renderPlatform } from "./choose.ts";
import { askedImages, specOf } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { withSource, type Opened } from "./fetch.ts";
import type { Client } from "./host.ts";
import { readImage } from "./image.ts";
import type { Descriptor } from "./oci.ts";
import { listReferrers } from "./referrers.ts";
import { renderInspection, type Inspection, type InspectedImage, type InspectedReferrer } from "./inspection.ts";
import type { Shop } from "./shop.ts";

type Values = ConnectionValues & { readonly image?: string | undefined; readonly json: boolean };

/** Shows every reference. */
export async function inspectImages(context: Desk<Values>, shop: Shop): Promise<readonly Inspection[]> {
  const { root, name, log, params } = context;
  const references = listReferences(name, shop, params.image);
  if (context.isDryRun) {
    for (const reference of references) log.info(`inspect ${reference}`);
    return [];
  }
  return withClient(context, shop, async (client) => {
    const found: Inspection[] = [];
    for (const reference of references) found.push(await inspect(client, inRoot(root, reference), reference));
    log.info(params.json ? JSON.stringify(found, undefined, 2) : found.map(renderInspection).join("\n\n"));
    return found;
  });
}

function listReferences(task: string, shop: Shop, image: string | undefined): readonly string[] {
  if (image !== undefined && !shop.entries.has(image)) return [image];
  return askedImages(task, shop, image).map((name) => {
    const { name: place, tags, alsoTags = [] } = specOf(shop, name);
    const [tag = "latest"] = [...tags, ...alsoTags];
    return `${place}:${tag}`;
  });
}

async function inspect(client: Client, reference: string, shown: string): Promise<Inspection> {
  return withSource(reference, { client }, async (opened) => {
    const { digest, bytes, document } = await opened.source.readDocument(opened.name);
    const index = document.kind === "index" ? document.index : undefined;
    const own: Descriptor = { mediaType: document.mediaType, digest, size: bytes.length };
    const children = index === undefined ? [own] : index.manifests.filter(isImage);
    const images = await Promise.all(children.map((child) => inspectImage(opened, child)));
    const annotations = document.kind === "index" ? document.index.annotations : document.manifest.annotations;
    return {
      reference: shown,
      digest,
      mediaType: document.mediaType,
      size: bytes.length,
      ...(annotations && { annotations }),
      images,
      referrers: await referrersOf(opened, [digest, ...children.map((child) => child.digest)]),
    };
  });
}

async function inspectImage(opened: Opened, child: Descriptor): Promise<InspectedImage> {
  const { manifest, config, stored } = await readImage(opened.source, child.digest);
  const { created, config: settings } = config ?? {};
  const blobs = [manifest.config, ...manifest.layers];
  const annotations = { ...manifest.annotations, ...child.annotations };
  return {
    platform: renderPlatform(child.platform ?? config),
    digest: child.digest,
    imageId: manifest.config.digest,
    mediaType: stored.document.mediaType,
    size: blobs.reduce((sum, { size }) => sum + size, stored.bytes.length),
    layers: manifest.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    ...(created !== undefined && { created }),
    ...(settings?.Labels && { labels: settings.Labels }),
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** Each once: of a single image index and image are the same. */
async function referrersOf({ repository }: Opened, digests: readonly string[]): Promise<readonly InspectedReferrer[]> {
  if (repository === undefined) return [];
  const lists = await Promise.all(
    [...new Set(digests)].map(async (subject) =>
      (await listReferrers(repository, subject)).map(({ digest, artifactType = "unknown", size }) => ({
        subject,
        digest,
        artifactType,
        size,
      })),
    ),
  );
  return lists.flat();
}
