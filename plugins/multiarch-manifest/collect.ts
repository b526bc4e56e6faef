/** Proofs before and after sending: what is to be published is whole, here and there. Does not send anything. */
import { imagesBroken } from "./publish-errors.ts";
import type { PublishItem } from "./plan.ts";
import { readBlob } from "./layout.ts";
import { parseManifest } from "./document.ts";
import { withSource } from "./fetch.ts";
import type { Client } from "./host.ts";
import { layoutSource, type Source } from "./source.ts";
import { verify } from "./verify.ts";

/**
 * Asks that every image of a group is whole in its layout. All findings of all images are in one error.
 * @throws BtError MANIFEST_IMAGES_BROKEN
 */
export async function checkImages(client: Client, group: readonly PublishItem[]): Promise<void> {
  const findings: string[] = [];
  for (const item of group) {
    for (const finding of await findingsOf(await wholeSource(client, item), item))
      findings.push(`${item.name}: ${finding.message}`);
  }
  if (findings.length > 0) throw imagesBroken(findings);
}

/**
 * Asks that an image is whole where it was sent, by digest.
 * @throws BtError MANIFEST_IMAGES_BROKEN
 */
export async function checkRemote(source: Source, item: PublishItem): Promise<void> {
  const findings = await findingsOf(source, item);
  if (findings.length > 0) throw imagesBroken(findings.map((finding) => `${item.name}: ${finding.message}`));
}

/** The layout, and for layers that were left elsewhere the registries that they were left in. */
async function wholeSource(client: Client, { image }: PublishItem): Promise<Source> {
  const layout = layoutSource(image.layout);
  const origins = new Map<string, string>();
  for (const { descriptor, upstream } of image.children) {
    if (upstream?.ref?.startsWith("docker://") !== true) continue;
    const bytes = await readBlob(image.layout, descriptor.digest);
    for (const { digest } of parseManifest(bytes, descriptor.digest, descriptor.mediaType).layers)
      origins.set(digest, upstream.ref);
  }
  const findBlobSize: Source["findBlobSize"] = async (digest) => {
    const origin = origins.get(digest);
    const own = await layout.findBlobSize(digest);
    if (own !== undefined || origin === undefined) return own;
    return withSource(origin, { client }, ({ source }) => source.findBlobSize(digest));
  };
  return { ...layout, findBlobSize };
}

async function findingsOf(source: Source, item: PublishItem): Promise<readonly Error[]> {
  const { descriptor, children, format } = item.image;
  const platforms = item.requirePlatforms ?? children.map((child) => child.platform);
  return (await verify(source, descriptor.digest, { platforms, format })).findings;
}
