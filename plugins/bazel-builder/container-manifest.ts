/** One index for each image and tag, from the digests of this run only; all become visible together. Pushes no layers. */
import { join } from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import {
  assemble,
  createLayout,
  fetchImage,
  publishGroup,
  type Client,
  type Layout,
  type PublishItem,
} from "../multiarch-manifest/index.ts";
import { planPushes } from "./bazel-push.ts";
import { imageGap } from "./errors.ts";
import { withRegistry } from "./login.ts";
import type { Shop } from "./options.ts";
import type { PushValues } from "./params.ts";
import type { PushedImage, PushedImages, PushedIndexes } from "./result.ts";

/** An index to be made. */
interface Wanted {
  readonly repository: string;
  readonly tag: string;
  readonly members: readonly PushedImage[];
}

/** @throws BtError BAZEL_BUILDER_IMAGE_GAP, REGISTRY_…, MANIFEST_… */
export async function pushIndexes(context: Context, shop: Shop): Promise<PushedIndexes> {
  const { params, needs, log, isDryRun } = context;
  const values = params as unknown as PushValues; // As pushParams() declares them.
  const planned = planPushes(shop.options.push!.images, values).map((push) => ({ ...push, digest: "<digest>" })); // The task is there only with it.
  if (values.buildArch.length < 2) {
    log.info("One architecture needs no index");
    return {};
  }
  if (isDryRun) {
    for (const { repository, tag, members } of groupPushes(planned))
      log.info(`index   ${repository}:${tag}: ${members.map(({ arch }) => `${arch}@<digest>`).join(", ")}`);
    return {};
  }
  const { pushed } = needs["pushed"] as PushedImages; // The result of bazel-push.
  const indexes = groupPushes(planned).map(({ members, ...index }) => {
    const found = members.map(({ arch }) => pushed.find((one) => isSame(one, index, arch)));
    const gaps = members.filter((_, at) => found[at] === undefined).map(({ arch }) => arch);
    if (gaps.length > 0) throw imageGap(index.repository, index.tag, gaps);
    return { ...index, members: found.flatMap((one) => one ?? []) };
  });
  return withRegistry(context, shop.options, async (client) => {
    const into = await createLayout(join(await context.tempDir(), "images"));
    const items: PublishItem[] = [];
    for (const index of indexes) items.push(await assembleIndex(client, into, index));
    const published = await publishGroup(items, {
      client,
      journal: join(context.root, ".bt", "publish", "push-container-manifest.json"),
      beforeTags: context.publishing,
    });
    for (const { name, digest, status } of published)
      log.info(`${name}@${digest}${status === "unchanged" ? " was there already" : ""}`);
    return Object.fromEntries(published.map(({ name, digest, status }) => [name, { digest, status }]));
  });
}

function groupPushes(pushes: readonly PushedImage[]): readonly Wanted[] {
  const groups = new Map<string, Wanted>();
  for (const push of pushes) {
    const { repository, tag } = push;
    const before = groups.get(`${repository}:${tag}`)?.members ?? [];
    groups.set(`${repository}:${tag}`, { repository, tag, members: [...before, push] });
  }
  return [...groups.values()];
}

function isSame(one: PushedImage, { repository, tag }: Omit<Wanted, "members">, arch: Arch): boolean {
  return one.repository === repository && one.tag === tag && one.arch === arch;
}

/** Layers stay where they are; members keep their bytes, so that digests are those that were pushed. */
async function assembleIndex(client: Client, into: Layout, { repository, tag, members }: Wanted): Promise<PublishItem> {
  const name = `${repository}:${tag}`;
  const entries = await Promise.all(
    members.map(async ({ arch, digest }) => {
      const ref = `docker://${repository}@${digest}`;
      const { mediaType } = await fetchImage(ref, arch, into, { client, layers: "later" });
      return { platform: arch, layout: into, digest, upstream: { ref, digest }, layersLater: true, mediaType };
    }),
  );
  const isDocker = entries.every(({ mediaType }) => mediaType.includes("docker"));
  const image = await assemble({ name, entries, format: isDocker ? "v2s2" : "oci" }, into);
  return { name, image, to: `docker://${repository}`, tags: [tag] };
}
