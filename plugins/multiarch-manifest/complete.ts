/** Layers that were left where they are, fetched when somebody needs them. Does not know why. */
import { join } from "node:path";
import { parseManifest } from "./document.ts";
import { withSource } from "./fetch.ts";
import type { Client } from "./host.ts";
import { hasBlob, openLayout, readBlob, writeBlob, type Layout } from "./layout.ts";
import { isForeignLayer, type Descriptor } from "./oci.ts";
import type { CreateResult } from "./result.ts";

/** Fetches what an index's layout lacks. Blobs that are there are not asked for. */
export async function completeLayout(client: Client, root: string, created: CreateResult): Promise<void> {
  const layout = await openLayout(join(root, created.layout));
  for (const { digest, mediaType, source } of Object.values(created.platforms)) {
    const { config, layers } = parseManifest(await readBlob(layout, digest), digest, mediaType);
    const lacking: Descriptor[] = [];
    for (const blob of [config, ...layers])
      if (!isForeignLayer(blob) && !(await hasBlob(layout, blob.digest))) lacking.push(blob);
    const origin = source?.ref;
    if (lacking.length === 0 || origin === undefined) continue;
    await withSource(origin, { client }, async ({ source: from }) => {
      const copies = lacking.map(async (blob) => writeBlob(layout, await from.openBlob(blob.digest), blob));
      // Every copy ends before a failure is reported, so that nothing is written behind the caller's back.
      const failed = (await Promise.allSettled(copies)).find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    });
  }
}

/** Fetches one blob from the image at `origin`. */
export async function fetchBlob(
  client: Client,
  origin: string,
  into: { layout: Layout; blob: Descriptor },
): Promise<void> {
  const { layout, blob } = into;
  if (await hasBlob(layout, blob.digest)) return;
  await withSource(origin, { client }, async ({ source }) => {
    await writeBlob(layout, await source.openBlob(blob.digest), blob);
  });
}
