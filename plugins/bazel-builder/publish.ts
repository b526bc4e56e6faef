/** Publishes a builder that was built: images, index and cross image become visible together. Never builds. */
import { join } from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import { assemble, openLayout, publishGroup, type ImageResult, type PublishItem } from "../multiarch-manifest/index.ts";
import { tagSuffix } from "./arch.ts";
import { repositoryOf, variantOf } from "./names.ts";
import { checkFailed } from "./errors.ts";
import { withRegistry } from "./login.ts";
import type { Shop, Variant } from "./options.ts";
import { builderIdle, chosenArches, warnIdle, type BuilderValues } from "./params.ts";
import { proveBuilder, type Expected } from "./proof.ts";
import { readRecord, recordFile, writeRecord } from "./record.ts";
import type { BuiltBuilder, PublishedBuilder } from "./result.ts";

/** @throws BtError BAZEL_BUILDER_NOT_VERIFIED, REGISTRY_…, MANIFEST_… */
export async function publishBuilder(context: Context, shop: Shop, fixed?: Variant): Promise<PublishedBuilder> {
  const { params, needs, isDryRun } = context;
  warnIdle(context, builderIdle);
  if (isDryRun) return describePublish(context, shop, fixed);
  const built = needs["built"] as BuiltBuilder; // The result of builder-build.
  return withRegistry(context, shop.options, async (client) => {
    const { items, expected } = await collect(context, built, (params as unknown as BuilderValues).force);
    const published = await publishGroup(items, {
      client,
      journal: join(context.root, ".bt", "publish", `${encodeURIComponent(context.name)}.json`),
      beforeTags: context.publishing,
      onStep: (phase, sentence) => context.log.info(`${phase}: ${sentence}`),
    });
    const status = published.every((one) => one.status === "unchanged") ? "unchanged" : "pushed";
    const findings = (await proveBuilder(client, expected)).findings;
    if (findings.length > 0) throw checkFailed(expected.reference, findings);
    const result = describeResult(built, expected, status);
    await recordPublish(context.root, recordFile(shop.outDir, built.variant), result);
    for (const { reference, digest } of [
      ...Object.values(result.images),
      ...(result.cross ? [result.cross] : []),
      result,
    ])
      context.log.info(`${reference}@${digest}`);
    return result;
  });
}

/** One index of the images, and the cross image alone: it is no part of an index. */
async function collect(
  { root }: Context,
  built: BuiltBuilder,
  force: boolean,
): Promise<{ items: PublishItem[]; expected: Expected & { readonly digest: string } }> {
  const { repository, version, images, cross } = built;
  const onExisting = force ? "overwrite" : "same";
  const layoutOf = (image: ImageResult): ReturnType<typeof openLayout> => openLayout(join(root, image.layout));
  const entriesOf = async (all: readonly ImageResult[]): ReturnType<typeof assembleAll> => assembleAll(repository, all);
  const assembleAll = async (name: string, all: readonly ImageResult[]) => {
    const entries = await Promise.all(
      all.map(async (image) => ({ platform: image.platform, digest: image.digest, layout: await layoutOf(image) })),
    );
    return assemble({ name, entries, format: formatOf(all) }, entries[0]!.layout); // ARCHITECTURES names at least one.
  };
  const index = await entriesOf(Object.values(images));
  const items: PublishItem[] = [
    { name: "builder", image: index, to: `docker://${repository}`, tags: [version], pushArchTags: true, onExisting },
  ];
  const expected = {
    reference: `${repository}:${version}`,
    digest: index.descriptor.digest,
    images: Object.fromEntries(
      index.children.map(({ platform, descriptor, imageId }) => [platform, { digest: descriptor.digest, imageId }]),
    ),
  };
  if ("skipped" in cross) return { items, expected };
  const alone = await assembleAll(cross.repository, [cross.image]);
  const [only] = alone.children;
  const image = { ...alone, descriptor: only!.descriptor }; // One entry, one child.
  items.push({ name: "cross", image, to: `docker://${cross.repository}`, tags: [version], onExisting });
  const wanted = { reference: `${cross.repository}:${version}`, arch: only!.platform, digest: only!.descriptor.digest };
  return { items, expected: { ...expected, cross: { ...wanted, imageId: only!.imageId } } };
}

/** Images that Docker's media types are right for keep their bytes. */
function formatOf(images: readonly ImageResult[]): "oci" | "v2s2" {
  return images.every(({ mediaType }) => mediaType.includes("docker")) ? "v2s2" : "oci";
}

function describeResult(
  { variant, version }: BuiltBuilder,
  { reference, digest, images, cross }: Expected & { readonly digest: string },
  status: "pushed" | "unchanged",
): PublishedBuilder {
  const named = Object.entries(images).map(([arch, { digest: own = "", imageId = "" }]) => [
    arch,
    { reference: `${reference}-${tagSuffix(arch as Arch)}`, digest: own, imageId },
  ]);
  return {
    variant,
    version,
    reference,
    digest,
    status,
    images: Object.fromEntries(named) as PublishedBuilder["images"],
    ...(cross?.digest === undefined ? {} : { cross: { reference: cross.reference, digest: cross.digest } }),
  };
}

async function recordPublish(root: string, file: string, published: PublishedBuilder): Promise<void> {
  const record = await readRecord(root, file);
  if (record === undefined || record.version !== published.version) return;
  const done = {
    ...record,
    arches: record.arches.map((one) => {
      const digest = published.images[one.arch as Arch]?.digest;
      return digest === undefined ? one : { ...one, digest, status: "pushed" as const };
    }),
    cross:
      published.cross === undefined
        ? record.cross
        : { ...record.cross, digest: published.cross.digest, status: "pushed" as const },
    index: { ref: published.reference, digest: published.digest, status: "pushed" as const },
  };
  if (JSON.stringify(done) !== JSON.stringify(record)) writeRecord(root, file, done);
}

/** What would be pushed. */
function describePublish({ params, log }: Context, shop: Shop, fixed?: Variant): PublishedBuilder {
  const variant = variantOf(shop, params, fixed);
  const { version = "<version>" } = params as unknown as BuilderValues; // As builderParams() declares them.
  const chosen = chosenArches(shop, params as Partial<BuilderValues>);
  const reference = `${repositoryOf(variant, params)}:${version}`;
  for (const arch of chosen) log.info(`push    ${reference}-${tagSuffix(arch)}@<digest of ${arch}>`);
  if (variant.cross !== undefined && chosen.includes(variant.crossArch))
    log.info(`push    ${repositoryOf(variant, params, "cross")}:${version}@<digest of the cross image>`);
  log.info(`index   ${reference}@<digest of the index>: ${chosen.join(", ")}`);
  log.info(`verify  ${reference}`);
  log.info(`write   ${recordFile(shop.outDir, variant.name)}`);
  return { variant: variant.name, version, reference, digest: "", status: "unchanged", images: {} };
}
