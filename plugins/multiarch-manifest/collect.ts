/** Proofs before and after sending: what is to be published is whole, here and there. Does not send anything. */
import { imagesBroken } from "./publish-errors.ts";
import type { PublishItem } from "./plan.ts";
import { layoutSource, type Source } from "./source.ts";
import { verify } from "./verify.ts";

/**
 * Asks that every image of a group is whole in its layout. All findings of all images are in one error.
 * @throws BtError MANIFEST_IMAGES_BROKEN
 */
export async function checkImages(group: readonly PublishItem[]): Promise<void> {
  const findings: string[] = [];
  for (const item of group) {
    for (const finding of await findingsOf(layoutSource(item.image.layout), item))
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

async function findingsOf(source: Source, item: PublishItem): Promise<readonly Error[]> {
  const { descriptor, children, format } = item.image;
  const platforms = item.requirePlatforms ?? children.map((child) => child.platform);
  return (await verify(source, descriptor.digest, { platforms, format })).findings;
}
