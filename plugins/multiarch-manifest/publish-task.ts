/** The work of a publish task: an index over the images of a build, made visible in one step. Does not know who built them. */
import * as path from "node:path";
import { assemble } from "./assemble.ts";
import { clientOptions, inRoot, type ConnectionValues } from "./connection.ts";
import { withClient, type Desk } from "./desk.ts";
import { resolve } from "./fetch.ts";
import { closeClient, createClient } from "./host.ts";
import { findTag } from "./destination-words.ts";
import { openLayout } from "./layout.ts";
import { renderOutline } from "./plan.ts";
import { publish } from "./publish.ts";
import { isImageResult, type ImageResult, type PublishResult } from "./result.ts";
import { imagesUnbuilt } from "./task-errors.ts";

/** What of a task's context publishing needs. */
type Own = Desk<Values> & { readonly name: string };

/** Values of its params. */
type Values = ConnectionValues & { readonly destination: string };

/**
 * Assembles the images into one index and publishes it at `to`, behind the barrier of publish().
 * @throws BtError MANIFEST_… before anything is sent, REGISTRY_… while it is sent
 */
export async function publishImages(context: Own, built: unknown): Promise<PublishResult> {
  const { root, name, log, params, publishing } = context;
  const { destination: to } = params;
  const images = imagesOf(name, built);
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
  return withClient(context, { options: {} }, async (client) => {
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
  });
}

/** A task with cells gives a record of results, any other one its own. @throws BtError MANIFEST_IMAGES_UNBUILT */
function imagesOf(name: string, built: unknown): readonly ImageResult[] {
  const results: readonly unknown[] = typeof built === "object" && built !== null ? Object.values(built) : [built];
  const wrong = results.find((result) => !isImageResult(result));
  if (wrong !== undefined || results.length === 0)
    throw imagesUnbuilt(name, JSON.stringify(wrong ?? built) ?? "nothing");
  return results.filter(isImageResult);
}

/** What each phase would do. What is not built yet has no digest. */
export function sayPublish({ log, params }: Pick<Own, "log" | "params">, arches: readonly string[]): PublishResult {
  const { destination } = params;
  const tag = findTag(destination) ?? "";
  const place = tag === "" ? destination : destination.slice(0, -tag.length - 1);
  for (const line of renderOutline(destination, { arches, place, tags: [tag] })) log.info(line);
  return { reference: destination, digest: "", status: "unchanged", platforms: {} };
}

/** Digest of what a destination names now. Undefined: nothing, or it cannot be asked. */
export async function findPublished(root: string, params: Values): Promise<string | undefined> {
  const client = createClient(clientOptions(root, params, {}));
  try {
    return await resolve(inRoot(root, params.destination), { client });
  } catch {
    return undefined; // The publish that follows says why.
  } finally {
    await closeClient(client);
  }
}
