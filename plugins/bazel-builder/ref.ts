/** Which builder a build would use: the original's rules, as one line. Does not ask registries. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Arch, Context } from "../../core/index.ts";
import { bazelConfig } from "./arch.ts";
import { findTargets } from "./bump.ts";
import { versionUnknown } from "./errors.ts";
import type { Shop, Variant } from "./options.ts";
import { readRecord, recordFile } from "./record.ts";

/** Prints it. */
export async function printReference(context: Context, shop: Shop): Promise<string> {
  const reference = await findReference(context, shop);
  await context.exec("printf", ["%s\\n", reference]);
  return reference;
}

/**
 * A builder that is named wins. Else that of the stream, the cross image when something is cross-built.
 * @throws BtError BAZEL_BUILDER_VERSION, BAZEL_BUILDER_ASSIGNMENT
 */
export async function findReference({ params, root }: Pick<Context, "params" | "root">, shop: Shop): Promise<string> {
  const { builderImage, stream, buildArch } = params as {
    readonly builderImage?: string;
    readonly stream?: string;
    readonly buildArch?: readonly Arch[];
  }; // As describeRef() declares them.
  if (builderImage !== undefined) return builderImage;
  const variant = shop.variants.find(({ name }) => name === stream) ?? shop.variants[0]!; // Checked by the param.
  const isCross = (buildArch ?? []).some((arch) => bazelConfig(arch).startsWith("crossbuild-"));
  const { image, version } = await readCurrent(root, shop, variant);
  if (isCross && variant.cross !== undefined) return `${shop.prefix}/${variant.cross.image}:${version}`;
  return image ?? `${shop.prefix}/${variant.image}:${version}`;
}

/** What the scripts say; if there are none, what was built last. */
async function readCurrent(root: string, shop: Shop, variant: Variant): Promise<{ version: string; image?: string }> {
  const own = shop.writeBack.filter((one) => one.variant === variant.name);
  const isThere = await Promise.all(
    own.map(({ file }) =>
      readFile(resolve(root, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const found = isThere.includes(true) ? await findTargets(root, shop, variant) : [];
  const value = found[0]?.value;
  if (value?.includes("/") === true) return { image: value, version: value.slice(value.lastIndexOf(":") + 1) };
  const version = value ?? (await readRecord(root, recordFile(shop.outDir, variant.name)))?.version;
  if (version === undefined) throw versionUnknown(variant.name);
  return { version };
}
