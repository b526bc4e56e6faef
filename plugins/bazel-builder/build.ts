/** Finishes a build: names what its image tasks have made, gives it a version, records it. Does not build images. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Arch, Context, Evidence } from "../../core/index.ts";
import type { ImageResult } from "../multiarch-manifest/index.ts";
import { tagSuffix } from "./arch.ts";
import { archesFailed } from "./errors.ts";
import { needName, repositoryOf, variantOf } from "./names.ts";
import type { Shop, Variant } from "./options.ts";
import { builderIdle, chosenArches, warnIdle, type BuilderValues } from "./params.ts";
import { digestFacts, readRecord, recordFile, writeRecord, type BuilderRecord } from "./record.ts";
import type { BuiltBuilder, BuiltCross } from "./result.ts";
import { defaultVersion, findCommitEvidence, needCommit, readSource } from "./version.ts";

/** Whether the last result still stands: nothing asks for another version, and the record is there. */
export async function isBuilt(
  { params, root, previous }: Pick<Context, "params" | "root" | "previous">,
  shop: Shop,
  fixed?: Variant,
): Promise<boolean> {
  const { version, force } = params as unknown as BuilderValues; // As builderParams() declares them.
  const built = previous as BuiltBuilder; // Its own last result.
  if (force || (version !== undefined && version !== built.version)) return false;
  const record = await readRecord(root, recordFile(shop.outDir, variantOf(shop, params, fixed).name)).catch(
    () => undefined,
  );
  return record?.version === built.version;
}

/** What isBuilt() and the commit came from. Undefined: it does not stand. */
export async function findBuildEvidence(
  bound: Pick<Context, "params" | "root" | "previous">,
  shop: Shop,
  fixed?: Variant,
): Promise<readonly Evidence[] | undefined> {
  const { params, root } = bound;
  const path = join(root, recordFile(shop.outDir, variantOf(shop, params, fixed).name));
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined || !(await isBuilt(bound, shop, fixed))) return undefined;
  return [{ kind: "text", path, text }, ...(await findCommitEvidence(root))];
}

/** @throws BtError BAZEL_BUILDER_ARCHES_FAILED, BAZEL_BUILDER_COMMIT */
export async function finishBuild(context: Context, shop: Shop, fixed?: Variant): Promise<BuiltBuilder> {
  const { params, needs, log, root, isDryRun } = context;
  const variant = variantOf(shop, params, fixed);
  warnIdle(context, builderIdle);
  const chosen = chosenArches(shop, params as Partial<BuilderValues>);
  const repository = repositoryOf(variant, params);
  if (isDryRun) return describeBuild(context, shop, variant);
  const images = Object.fromEntries(
    chosen.flatMap((arch) => {
      const made = needs[needName(variant.name, arch)] as ImageResult | undefined; // The result of an image task.
      return made === undefined ? [] : [[arch, made]];
    }),
  ) as Partial<Record<Arch, ImageResult>>;
  const cross = findCross(context, variant, chosen);
  await smokeAll(context, shop, variant, images);
  const source = await readSource(context, shop.outDir);
  if (source?.dirty === true) log.warn("Something is not committed: the version stands for more than its commit");
  const file = recordFile(shop.outDir, variant.name);
  const last = await readRecord(root, file);
  const inputs = digestFacts([source?.commit, ids(images), "image" in cross ? cross.image.imageId : ""]);
  const isWhole = chosen.every((arch) => images[arch] !== undefined) && !("failed" in cross);
  const version = chooseVersion(shop, params as unknown as BuilderValues, { source, inputs, last });
  const { commit = "", dirty = false } = source ?? {};
  const built: BuiltBuilder = {
    variant: variant.name,
    version,
    source: { commit, dirty },
    repository,
    images,
    cross: "failed" in cross ? { skipped: cross.failed } : cross,
  };
  if (
    last === undefined ||
    last.inputs !== inputs ||
    last.version !== version ||
    last.index.ref !== `${repository}:${version}`
  )
    writeRecord(root, file, describeRecord(built, { chosen, inputs, cross }));
  for (const [arch, one] of Object.entries(images))
    log.info(`${repository}:${version}-${tagSuffix(arch as Arch)}  ${one.imageId}`);
  if ("image" in cross) log.info(`${cross.repository}:${version}  ${cross.image.imageId}`);
  else log.info(`cross image: ${"failed" in cross ? cross.failed : cross.skipped}`);
  if (!isWhole) throw findFailure(shop, { chosen, images, cross });
  return built;
}

/** @throws BtError BAZEL_BUILDER_SMOKE */
async function smokeAll(
  context: Context,
  { options }: Shop,
  variant: Variant,
  images: Partial<Record<Arch, ImageResult>>,
): Promise<void> {
  const tests = Object.entries(images).map(([name, { digest, layout }]) => {
    const arch = name as Arch; // Its own keys.
    return { arch, digest, layout: join(context.root, layout), commands: variant.smoke(arch) };
  });
  if (tests.some(({ commands }) => commands.length > 0))
    await (await import("./smoke.ts")).runSmoke(context, tests, options);
}

type Cross = BuiltCross | { readonly failed: string };

function findCross({ needs, params }: Context, variant: Variant, chosen: readonly Arch[]): Cross {
  if (variant.cross === undefined) return { skipped: `variant ${variant.name} has no cross image` };
  if (!chosen.includes(variant.crossArch))
    return { skipped: `it is built on the ${variant.crossArch} image, which ARCHITECTURES leaves out` };
  const image = needs[needName(variant.name, "cross")] as ImageResult | undefined; // The result of an image task.
  if (image === undefined) return { failed: "it could not be built" };
  return { repository: repositoryOf(variant, params, "cross"), image };
}

/** While nothing has changed the version stays, so that a second run has the same tags. */
function chooseVersion(
  { options }: Shop,
  { version, force }: BuilderValues,
  facts: {
    readonly source: Awaited<ReturnType<typeof readSource>>;
    readonly inputs: string;
    readonly last: BuilderRecord | undefined;
  },
): string {
  const { source, inputs, last } = facts;
  if (version !== undefined) return version;
  if (!force && last?.inputs === inputs) return last.version;
  const { short: commit, dirty } = needCommit(source);
  const now = new Date();
  return typeof options.version === "function"
    ? options.version({ now, commit, dirty })
    : defaultVersion({ now, commit });
}

function ids(images: Partial<Record<Arch, ImageResult>>): unknown {
  return Object.entries(images)
    .map(([arch, { imageId }]) => [arch, imageId])
    .sort();
}

function describeRecord(
  built: BuiltBuilder,
  { chosen, inputs, cross }: { readonly chosen: readonly Arch[]; readonly inputs: string; readonly cross: Cross },
): BuilderRecord {
  const { variant, version, source, repository, images } = built;
  const baseOf = ({ bases = {} }: ImageResult): object => {
    const [base] = Object.entries(bases).map(([reference, digest]) => `${reference}@${digest}`);
    return base === undefined || base.startsWith("builder.invalid/") ? {} : { base };
  };
  return {
    schema: 1,
    variant,
    version,
    inputs,
    source,
    arches: chosen.map((arch) => {
      const image = images[arch];
      if (image === undefined) return { arch, status: "failed", reason: "it could not be built" };
      const ref = `${repository}:${version}-${tagSuffix(arch)}`;
      return { arch, ref, imageId: image.imageId, ...baseOf(image), status: "built" };
    }),
    cross:
      "image" in cross
        ? { ref: `${cross.repository}:${version}`, imageId: cross.image.imageId, status: "built" }
        : "failed" in cross
          ? { status: "failed", reason: cross.failed }
          : { status: "skipped", reason: cross.skipped },
    index: { ref: `${repository}:${version}`, status: "built" },
  };
}

function findFailure(
  { failures }: Shop,
  facts: {
    readonly chosen: readonly Arch[];
    readonly images: Partial<Record<Arch, ImageResult>>;
    readonly cross: Cross;
  },
): Error {
  const { chosen, images, cross } = facts;
  const missing = chosen.filter((arch) => images[arch] === undefined);
  const known = [...failures].filter(([id]) => /^builder-(cross-)?image/.test(id));
  const reasonOf = (name: string, isCross: boolean): { name: string; problem: string } => {
    const found = known.find(
      ([id]) => id.startsWith("builder-cross-") === isCross && (isCross || id.endsWith(`:${name}`)),
    );
    return { name, problem: found?.[1].problem ?? "its task has failed" };
  };
  const failed = [
    ...missing.map((arch) => reasonOf(arch, false)),
    ...("failed" in cross ? [reasonOf("the cross image", true)] : []),
  ];
  const codes = known.map(([, { exitCode }]) => exitCode).filter((code) => code > 1);
  const built = chosen.filter((arch) => images[arch] !== undefined);
  return archesFailed(failed, built, codes.length === 0 ? 1 : Math.min(...codes));
}

/** What would be named. */
function describeBuild({ params, log }: Context, shop: Shop, variant: Variant): BuiltBuilder {
  const { version = "<version>" } = params as unknown as BuilderValues; // As builderParams() declares them.
  const chosen = chosenArches(shop, params as Partial<BuilderValues>);
  const repository = repositoryOf(variant, params);
  for (const arch of chosen) log.info(`name    ${repository}:${version}-${tagSuffix(arch)}`);
  if (variant.cross !== undefined && chosen.includes(variant.crossArch))
    log.info(`name    ${repositoryOf(variant, params, "cross")}:${version}`);
  log.info(`write   ${recordFile(shop.outDir, variant.name)}`);
  return {
    variant: variant.name,
    version,
    source: { commit: "", dirty: false },
    repository,
    images: {},
    cross: { skipped: "-n" },
  };
}
