/** The work of `manifest:create`: indexes over built and fetched images, in layouts. Sends nothing. */
import { join } from "node:path";
import { parsePlatform } from "../../core/index.ts";
import { createAdhoc } from "./adhoc.ts";
import { completeLayout } from "./complete.ts";
import type { ConnectionValues } from "./connection.ts";
import { assembleGiven, tellCreated, type Given } from "./created.ts";
import { askedEntries, askedImages, layoutOf, specOf, type NamingValues, type ShapingValues } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { referenceOf, type Entry } from "./entries.ts";
import { hasBlob, openLayout, readEntries } from "./layout.ts";
import { isImageResult, type CreateResult, type CreateResults, type FetchResult } from "./result.ts";
import type { Shop } from "./shop.ts";
import { sourceNotImage } from "./task-errors.ts";

type Creation = Desk<ShapingValues> & { readonly needs: Readonly<Record<string, unknown>> };

/** Assembles one image of the builderfile. */
export async function createImage(context: Creation, shop: Shop, name: string): Promise<CreateResult> {
  const { root, log, params } = context;
  const spec = specOf(shop, name);
  const entries = askedEntries(name, shop.entries.get(name) ?? [], params);
  if (context.isDryRun) {
    const platforms = entries.map(({ arch }) => `linux/${arch}`).join(", ");
    log.info(`create  ${spec.name} (${platforms}) in ${layoutOf(shop, name)}`);
    return undefined as unknown as CreateResult; // A dry run has no results.
  }
  const needs = context.needs as Readonly<Record<string, unknown>> & { readonly fetched?: FetchResult };
  const given: Given[] = [];
  for (const entry of entries) {
    const image = "task" in entry.source ? builtImage(name, entry, needs[entry.arch]) : needs.fetched?.[entry.arch];
    if (image === undefined) continue; // allowMissing has let it go.
    const rewriteConfig = entry.rewriteConfig || ("isOther" in image && image.isOther === true);
    given.push({ entry: { ...entry, rewriteConfig }, image });
  }
  const { allowMissing = [], format, annotations, allowSharedDigest } = spec;
  const required =
    params.platforms.length + params.architectures.length > 0
      ? entries.map(({ arch }) => arch)
      : (spec.requirePlatforms ?? entries.map(({ arch }) => arch));
  const created = await assembleGiven(root, given, {
    name,
    layout: layoutOf(shop, name),
    requirePlatforms: required,
    allowMissing: [...allowMissing, ...params.allowMissing],
    format: params.format ?? format ?? "oci",
    ...(annotations && { annotations }),
    ...(allowSharedDigest !== undefined && { allowSharedDigest }),
    onWarning: log.warn,
  });
  tellCreated(log, created);
  return created;
}

/** Assembles all that was asked for, and fetches the layers that are still elsewhere: the layouts can be given away. */
export async function createAll(
  context: Desk<ShapingValues & NamingValues & ConnectionValues> & {
    readonly needs: Readonly<Record<string, CreateResult | undefined>>;
  },
  shop: Shop,
): Promise<CreateResults> {
  const { root, params } = context;
  if ((params.sources?.length ?? 0) > 0) {
    if (context.isDryRun) return (await createAdhoc(context, shop, undefined), {});
    return withClient(context, shop, async (client) => {
      const created = (await createAdhoc(context, shop, client))!; // With a client there is one.
      await completeLayout(client, root, created);
      tellCreated(context.log, created);
      return { [created.name]: created };
    });
  }
  const names = askedImages(context.name, shop, params.image);
  if (context.isDryRun) return {};
  const created = names.flatMap((name) => context.needs[name] ?? []);
  return withClient(context, shop, async (client) => {
    for (const one of created) await completeLayout(client, root, one);
    return Object.fromEntries(created.map((one) => [one.name, one]));
  });
}

/** Whether the layout still holds an index, its manifests and its configs. */
export async function isAssembled(root: string, { layout, digest, platforms }: CreateResult): Promise<boolean> {
  try {
    const opened = await openLayout(join(root, layout));
    const wanted = [digest, ...Object.values(platforms).flatMap((one) => [one.digest, one.imageId])];
    const entries = await readEntries(opened);
    if (!entries.some((entry) => entry.digest === digest)) return false;
    return (await Promise.all(wanted.map((one) => hasBlob(opened, one)))).every(Boolean);
  } catch {
    return false;
  }
}

/** What a task has built for an entry; with `rewriteConfig` its only image, whatever platform that says. */
function builtImage(name: string, { arch, source, rewriteConfig }: Entry, value: unknown): Given["image"] {
  const results = isImageResult(value) ? [value] : Object.values((value ?? {}) as Readonly<Record<string, unknown>>);
  const images = results.filter(isImageResult);
  const own = images.find(({ platform }) => parsePlatform(platform).arch === arch);
  const image = own ?? (rewriteConfig && images.length === 1 ? images[0] : undefined);
  if (image === undefined || referenceOf(source) !== undefined) throw sourceNotImage(name, `linux/${arch}`);
  return { digest: image.digest, layout: image.layout };
}
