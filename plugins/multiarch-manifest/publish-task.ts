/** The work of a publish task: an index over the images of a build, made visible in one step. Does not know who built them. */
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { assemble } from "./assemble.ts";
import { resolve } from "./fetch.ts";
import { closeClient, createClient } from "./host.ts";
import { openLayout } from "./layout.ts";
import { publish } from "./publish.ts";
import type { ImageResult, PublishResult } from "./result.ts";

/** What of a task's context publishing needs. */
type Desk = Pick<Context, "root" | "name" | "log" | "signal" | "publishing">;

/**
 * Assembles the images into one index and publishes it at `to`, behind the barrier of publish().
 * @throws BtError MANIFEST_… before anything is sent, REGISTRY_… while it is sent
 */
export async function publishImages(
  { root, name, log, signal, publishing }: Desk,
  images: readonly ImageResult[],
  to: string,
): Promise<PublishResult> {
  const store = await openLayout(path.join(root, images[0]?.layout ?? ".bt/oci"));
  const entries = await Promise.all(
    images.map(async ({ platform, digest, layout }) => ({
      platform,
      digest,
      layout: await openLayout(path.join(root, layout)),
    })),
  );
  const image = await assemble({ name: to, entries }, store);
  for (const warning of image.warnings) log.warn(warning);
  const client = createClient({ signal });
  try {
    const [published] = await publish([{ name: to, image, to: inRoot(root, to) }], {
      client,
      journal: path.join(root, ".bt", "publish", `${encodeURIComponent(name)}.json`),
      beforeTags: publishing,
    });
    const { digest, status = "unchanged" } = { digest: image.descriptor.digest, ...published };
    const platforms = Object.fromEntries(
      image.children.map((child) => [child.platform, { digest: child.descriptor.digest, imageId: child.imageId }]),
    );
    log.info(
      `${to}@${digest} ${status === "unchanged" ? "was there already" : "published"}: ${Object.keys(platforms).join(", ")}`,
    );
    return { reference: to, digest, status, platforms };
  } finally {
    await closeClient(client);
  }
}

/** Digest of what a destination names now. Undefined: nothing, or it cannot be asked. */
export async function findPublished(root: string, to: string): Promise<string | undefined> {
  const client = createClient();
  try {
    return await resolve(inRoot(root, to), { client });
  } catch {
    return undefined; // The publish that follows says why.
  } finally {
    await closeClient(client);
  }
}

/** Layouts are named relative to the project root, wherever bt was called. */
function inRoot(root: string, to: string): string {
  return to.startsWith("oci:") ? `oci:${path.resolve(root, to.slice("oci:".length))}` : to;
}
