/** Proves a published builder against its record and the architectures that were asked for. Publishes nothing. */
import type { Arch, Context } from "../../core/index.ts";
import { createLayout, fetchImage, type Client } from "../multiarch-manifest/index.ts";
import { repositoryOf, variantOf } from "./names.ts";
import { checkFailed, versionUnknown } from "./errors.ts";
import { withRegistry } from "./login.ts";
import type { Shop, Variant } from "./options.ts";
import { builderIdle, chosenArches, warnIdle, type BuilderValues } from "./params.ts";
import { proveBuilder, type Expected, type ExpectedImage, type Proof } from "./proof.ts";
import { readRecord, recordFile, type BuilderRecord } from "./record.ts";
import type { VerifiedBuilder } from "./result.ts";
import { runSmoke } from "./smoke.ts";

/** @throws BtError BAZEL_BUILDER_NOT_VERIFIED, BAZEL_BUILDER_SMOKE, BAZEL_BUILDER_VERSION, REGISTRY_… */
export async function verifyBuilder(context: Context, shop: Shop): Promise<VerifiedBuilder> {
  const { params, log, isDryRun } = context;
  warnIdle(context, builderIdle);
  const variant = variantOf(shop, params);
  const expected = await expectBuilder(context, shop, variant);
  const { reference } = expected;
  if (isDryRun) {
    log.info(`verify  ${reference}: ${Object.keys(expected.images).join(", ")}`);
    for (const arch of Object.keys(expected.images) as Arch[])
      for (const words of variant.smoke(arch)) log.info(`run     in ${arch}: ${words.join(" ")}`);
    return { reference, digest: "", images: {} };
  }
  return withRegistry(context, shop.options, async (client) => {
    const { digest, images, findings } = await proveBuilder(client, expected);
    if (findings.length > 0) throw checkFailed(reference, findings);
    for (const [arch, one] of Object.entries(images)) log.info(`${reference}  ${arch}  ${one.digest}`);
    if (params["smoke"] === true) await smokeRemote(context, { client, shop, variant, expected, images });
    return { reference, digest, images };
  });
}

/** What VERSION, or the last build, should be in the registry. @throws BtError BAZEL_BUILDER_VERSION */
export async function expectBuilder({ params, root }: Context, shop: Shop, variant: Variant): Promise<Expected> {
  const values = params as unknown as BuilderValues; // As builderParams() declares them.
  const last = await readRecord(root, recordFile(shop.outDir, variant.name));
  const version = values.version ?? last?.version;
  if (version === undefined) throw versionUnknown(variant.name);
  const record = last?.version === version ? last : undefined;
  const asked = values.architectures ?? values.arch;
  const arches = asked ?? record?.arches.map(({ arch }) => arch as Arch) ?? chosenArches(shop, values);
  const isFull = asked === undefined || asked.length === record?.arches.length;
  const cross = expectCross(variant, { params, record, arches, version });
  return {
    reference: `${repositoryOf(variant, params)}:${version}`,
    ...(isFull && record?.index.digest !== undefined ? { digest: record.index.digest } : {}),
    images: Object.fromEntries(
      arches.map((arch) => [arch, expectImage(record?.arches.find((one) => one.arch === arch))]),
    ),
    ...(cross === undefined ? {} : { cross }),
  };
}

function expectCross(
  variant: Variant,
  facts: {
    readonly params: Context["params"];
    readonly record: BuilderRecord | undefined;
    readonly arches: readonly Arch[];
    readonly version: string;
  },
): Expected["cross"] {
  const { params, record, arches, version } = facts;
  if (variant.cross === undefined || !arches.includes(variant.crossArch) || record?.cross.status === "skipped")
    return undefined;
  const reference = `${repositoryOf(variant, params, "cross")}:${version}`;
  return { reference, arch: variant.crossArch, ...expectImage(record?.cross) };
}

function expectImage(image: { readonly digest?: string; readonly imageId?: string } | undefined): ExpectedImage {
  const { digest, imageId } = image ?? {};
  return { ...(digest === undefined ? {} : { digest }), ...(imageId === undefined ? {} : { imageId }) };
}

async function smokeRemote(
  context: Context,
  facts: {
    readonly client: Client;
    readonly shop: Shop;
    readonly variant: Variant;
    readonly expected: Expected;
    readonly images: Proof["images"];
  },
): Promise<void> {
  const { client, shop, variant, expected, images } = facts;
  const arches = (Object.keys(images) as Arch[]).filter((arch) => variant.smoke(arch).length > 0);
  if (arches.length === 0) return;
  const into = await createLayout(await context.tempDir());
  const repository = expected.reference.slice(0, expected.reference.lastIndexOf(":"));
  const fetched = await Promise.all(
    arches.map(async (arch) => {
      const { digest } = images[arch]!; // Its own keys.
      await fetchImage(`docker://${repository}@${digest}`, arch, into, { client });
      return { arch, digest, layout: into.dir, commands: variant.smoke(arch) };
    }),
  );
  await runSmoke(context, fetched, shop.options);
}
