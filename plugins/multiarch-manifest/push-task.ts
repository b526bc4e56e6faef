/** The work of `manifest:push`: assembled indexes behind the publish barrier, and the record of what was proven. */
import { join, relative } from "node:path";
import { createAdhoc } from "./adhoc.ts";
import { inRoot, type ConnectionValues } from "./connection.ts";
import { toAssembled } from "./created.ts";
import { askedImages, specOf, type NamingValues, type ShapingValues } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { writeDigests } from "./digests.ts";
import type { Client } from "./host.ts";
import type { IndexSpec } from "./options.ts";
import { planPublish, renderOutline, renderPlan, type PublishItem } from "./plan.ts";
import { publish, type Published } from "./publish.ts";
import type { CreateResult, PushResult } from "./result.ts";
import type { Shop } from "./shop.ts";

/** Values that say where and how. */
export interface TaggingValues {
  readonly tags: readonly string[];
  readonly onExisting?: "overwrite" | "same" | "fail" | undefined;
}

type Values = ConnectionValues & TaggingValues;
type Created = Readonly<Record<string, CreateResult | undefined>>;
type Push<V> = Desk<V> & { readonly needs: Readonly<Record<string, unknown>> };

/** Publishes images of the builderfile together. */
export async function pushImages(context: Push<Values>, shop: Shop, names: readonly string[]): Promise<PushResult> {
  if (context.isDryRun) return sayPush(context, shop, names);
  const created = context.needs as Created;
  return withClient(context, shop, async (client) => {
    const items = await Promise.all(
      names.flatMap((name) => {
        const one = created[name];
        return one === undefined ? [] : [toItem(context, one, specOf(shop, name))];
      }),
    );
    return pushItems(context, shop, { client, items });
  });
}

/** Publishes all that was asked for: one group itself; of several it gathers what they have published. */
export async function pushAll(
  context: Push<Values & NamingValues & ShapingValues>,
  shop: Shop,
  { isOne }: { readonly isOne: boolean },
): Promise<PushResult> {
  const { image, sources = [] } = context.params;
  if (sources.length > 0) return pushAdhoc(context, shop);
  const names = askedImages(context.name, shop, image);
  if (isOne) return pushImages(context, shop, names);
  const parts = Object.values(context.needs as Readonly<Record<string, PushResult | undefined>>);
  return { images: Object.assign({}, ...parts.map((part) => part?.images)) as PushResult["images"] };
}

async function pushAdhoc(context: Push<Values & NamingValues & ShapingValues>, shop: Shop): Promise<PushResult> {
  const { image = "", tags, onExisting } = context.params;
  if (context.isDryRun) {
    await createAdhoc(context, shop, undefined);
    for (const tag of tags.length > 0 ? tags : [""]) context.log.info(`tag     ${image}${tag === "" ? "" : `:${tag}`}`);
    return { images: {} };
  }
  return withClient(context, shop, async (client) => {
    const created = (await createAdhoc(context, shop, client))!; // With a client there is one.
    const item = {
      name: created.name,
      image: await toAssembled(context.root, created),
      to: inRoot(context.root, image),
      tags,
      ...(onExisting !== undefined && { onExisting }),
    };
    return pushItems(context, shop, { client, items: [item] });
  });
}

async function toItem({ root, params }: Desk<Values>, created: CreateResult, spec: IndexSpec): Promise<PublishItem> {
  const { alsoTags, pushArchTags } = spec;
  const onExisting = params.onExisting ?? spec.onExisting;
  return {
    name: created.name,
    image: await toAssembled(root, created),
    to: inRoot(root, spec.name),
    tags: params.tags.length > 0 ? params.tags : spec.tags,
    ...(alsoTags && { alsoTags }),
    ...(pushArchTags !== undefined && { pushArchTags }),
    ...(onExisting !== undefined && { onExisting }),
  };
}

async function pushItems(
  { root, name, log, publishing }: Desk<Values>,
  { outDir, options }: Shop,
  { client, items }: { readonly client: Client; readonly items: readonly PublishItem[] },
): Promise<PushResult> {
  const show = (text: string): string => text.replaceAll(`oci:${root}/`, "oci:").replaceAll("docker://", "");
  const proven = await publish(items, {
    client,
    journal: join(root, ".bt", "publish", `${encodeURIComponent(name)}.json`),
    beforeTags: publishing,
    onStep: (phase, sentence) => log.info(`${phase.padEnd(10)} ${show(sentence)}`),
    ...(options.chunkSize !== undefined && { chunkBytes: options.chunkSize }),
  });
  const published = proven.map((one) => ({ ...one, reference: show(one.reference) }));
  await writeDigests(join(root, outDir, "digests.json"), published, new Date());
  for (const { reference, digest, status } of published)
    log.info(`${reference}@${digest} ${status === "unchanged" ? "was there already" : "published"}`);
  return { images: Object.fromEntries(published.map((one) => [one.name, toPushed(root, one)])) };
}

function toPushed(root: string, { reference: ref, digest, status, item }: Published): PushResult["images"][string] {
  const platforms = item.image.children.map(({ platform, descriptor, imageId }) => {
    const { digest: own, mediaType, size } = descriptor;
    const layout = relative(root, item.image.layout.dir);
    return [`linux/${platform}`, { platform: `linux/${platform}`, digest: own, imageId, mediaType, size, layout }];
  });
  return { ref, digest, status, platforms: Object.fromEntries(platforms) as PushResult["images"][string]["platforms"] };
}

/** What each phase would do. What is not assembled yet has no digest. */
async function sayPush(context: Push<Values>, shop: Shop, names: readonly string[]): Promise<PushResult> {
  const { root, log, params, needs } = context;
  for (const name of names) {
    const created = (needs as Created)[name];
    const spec = specOf(shop, name);
    if (created !== undefined) {
      const shortNames = { aliases: {}, searchRegistries: [] };
      const plan = planPublish([await toItem(context, created, spec)], { shortNames });
      for (const line of renderPlan(plan)) log.info(line.replaceAll(`oci:${root}/`, "oci:"));
      continue;
    }
    const tags = params.tags.length > 0 ? params.tags : spec.tags;
    const arches = (shop.entries.get(name) ?? []).map(({ arch }) => arch);
    const all = [...tags, ...(spec.alsoTags ?? [])];
    for (const line of renderOutline(name, { arches, place: spec.name, tags: all })) log.info(line);
  }
  return { images: {} };
}
