/** The work of `manifest:verify`: proves what is published against what the builderfile says. Changes nothing. */
import { isBtError } from "../../core/index.ts";
import { inRoot, type ConnectionValues } from "./connection.ts";
import { askedEntries, askedImages, askedPlatforms, specOf, type NamingValues, type ShapingValues } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { withSource } from "./fetch.ts";
import type { Shop } from "./shop.ts";
import { verifyFailed } from "./task-errors.ts";
import { verify, type VerifyOptions } from "./verify.ts";

type Values = ConnectionValues & NamingValues & ShapingValues & { readonly deep: boolean };

/** Digests that were proven, by reference. */
export type VerifyResult = Readonly<Record<string, { readonly digest: string; readonly platforms: readonly string[] }>>;

interface Wanted {
  readonly reference: string;
  readonly options: VerifyOptions;
}

/** Proves every reference; all that is wrong is said together. @throws BtError MANIFEST_NOT_PROVEN */
export async function verifyImages(context: Desk<Values>, shop: Shop): Promise<VerifyResult> {
  const { root, log } = context;
  const wanted = listWanted(context, shop);
  if (context.isDryRun) {
    for (const { reference } of wanted) log.info(`verify  ${reference}`);
    return {};
  }
  return withClient(context, shop, async (client) => {
    const proven: Record<string, VerifyResult[string]> = {};
    const wrong: { reference: string; finding: string }[] = [];
    for (const { reference, options } of wanted) {
      const result = await withSource(inRoot(root, reference), { client }, ({ source, name }) =>
        verify(source, name, options),
      ).catch((error: unknown) => {
        // With several images one that is missing is a finding among others.
        if (wanted.length === 1 || !isBtError(error)) throw error;
        wrong.push({ reference, finding: error.message });
        return undefined;
      });
      if (result === undefined) continue;
      wrong.push(...result.findings.map(({ message }) => ({ reference, finding: message })));
      const platforms = result.children.map(({ platform }) => `linux/${platform}`);
      proven[reference] = { digest: result.digest, platforms };
      if (result.findings.length === 0) log.info(`${reference}@${result.digest} is whole: ${platforms.join(", ")}`);
    }
    if (wrong.length > 0)
      throw verifyFailed(
        [...new Set(wrong.map(({ reference }) => reference))].join(", "),
        wrong.map(({ finding }) => finding),
      );
    return proven;
  });
}

function listWanted({ name: task, params }: Desk<Values>, shop: Shop): readonly Wanted[] {
  const { image, format, allowMissing, deep } = params;
  const own = { deep, ...(format !== undefined && { format }) };
  if (image !== undefined && !shop.entries.has(image)) {
    const platforms = askedPlatforms(params);
    return [{ reference: image, options: { ...own, allowMissing, ...(platforms && { platforms }) } }];
  }
  return askedImages(task, shop, image).flatMap((name) => {
    const spec = specOf(shop, name);
    const platforms =
      askedPlatforms(params) ??
      spec.requirePlatforms ??
      askedEntries(name, shop.entries.get(name) ?? [], params).map(({ arch }) => arch);
    const options = {
      ...own,
      platforms,
      allowMissing: [...allowMissing, ...(spec.allowMissing ?? [])],
      format: format ?? spec.format ?? "oci",
    };
    return [...spec.tags, ...(spec.alsoTags ?? [])].map((tag) => ({ reference: `${spec.name}:${tag}`, options }));
  });
}
