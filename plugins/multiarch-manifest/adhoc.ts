/** An index that only the command line describes: `IMAGE` is its name, `SOURCES` are what it is made of. */
import { join } from "node:path";
import { inRoot } from "./connection.ts";
import { assembleGiven, type Given } from "./created.ts";
import { adhocName, askedPlatforms, layoutOf, parseSources, type NamingValues, type ShapingValues } from "./asked.ts";
import type { Desk } from "./desk.ts";
import { platformsDiffer, platformTwice } from "./errors.ts";
import { fetchPlatforms } from "./fetch.ts";
import type { Client } from "./host.ts";
import { createLayout } from "./layout.ts";
import type { CreateResult } from "./result.ts";
import type { Shop } from "./shop.ts";

/** Fetches the sources and assembles them. Without a client (a dry run) it only says so. */
export async function createAdhoc(
  { root, log, params }: Desk<ShapingValues & NamingValues>,
  shop: Shop,
  client: Client | undefined,
): Promise<CreateResult | undefined> {
  const name = adhocName(params.image);
  const sources = parseSources(params.sources ?? []);
  const layout = layoutOf(shop, name);
  if (client === undefined) {
    for (const { platform, reference } of sources)
      log.info(`fetch   ${platform === undefined ? "all platforms" : `linux/${platform}`} from ${reference}`);
    log.info(`create  ${params.image ?? ""} in ${layout}`);
    return undefined;
  }
  const into = await createLayout(join(root, layout));
  const asked = askedPlatforms(params);
  const fetched = await Promise.all(
    sources.map(async ({ platform, reference }) => {
      const options = { client, into, layers: "later" as const, onWarning: log.warn };
      const images = await fetchPlatforms(
        inRoot(root, reference),
        platform === undefined ? undefined : [platform],
        options,
      );
      return images.map((one) => ({ ...one, ref: one.repository === undefined ? reference : one.repository }));
    }),
  );
  const found = fetched.flat().filter(({ platform }) => asked?.includes(platform) ?? true);
  const given = found.map(({ platform, descriptor, ref }): Given => ({
    entry: { arch: platform, rewriteConfig: false },
    image: { digest: descriptor.digest, layout, ref },
  }));
  const twice = found.find(({ platform }, n) => found.findIndex((one) => one.platform === platform) !== n);
  if (twice !== undefined) throw platformTwice(name, twice.platform);
  if (asked !== undefined && found.length === 0) throw platformsDiffer(name, asked, []);
  const order = (one: Given): number => asked?.indexOf(one.entry.arch) ?? 0;
  return assembleGiven(
    root,
    given.toSorted((a, b) => order(a) - order(b)),
    {
      name,
      layout,
      format: params.format ?? "oci",
      allowMissing: params.allowMissing,
      ...(asked && { requirePlatforms: asked }),
      onWarning: log.warn,
    },
  );
}
