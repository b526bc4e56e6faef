/** Copies the sources that are not built in this run: manifests and configs at once, layers of a registry when somebody needs them. */
import { join } from "node:path";
import { isBtError, parsePlatform, type Arch } from "../../core/index.ts";
import { inRoot, type ConnectionValues } from "./connection.ts";
import { askedEntries, layoutOf, specOf, type NarrowingValues } from "./asked.ts";
import { withClient, type Desk } from "./desk.ts";
import { referenceOf, type Entry } from "./entries.ts";
import { fetchPlatforms, type Fetched } from "./fetch.ts";
import type { Client } from "./host.ts";
import { createLayout, type Layout } from "./layout.ts";
import type { FetchResult } from "./result.ts";
import type { Shop } from "./shop.ts";

type Values = ConnectionValues & NarrowingValues & { readonly allowMissing: readonly string[] };

/** Codes of a source that is not there, which `allowMissing` may forgive. */
const missing = [
  "MANIFEST_CHILD_MISSING",
  "MANIFEST_ENTRY_MISSING",
  "MANIFEST_LAYOUT_MISSING",
  "MANIFEST_STORAGE_MISSING",
  "REGISTRY_MANIFEST_MISSING",
];

/** Fetches what an image of the builderfile has from elsewhere. */
export async function fetchSources(desk: Desk<Values>, shop: Shop, name: string): Promise<FetchResult> {
  const { root, log, params, isDryRun } = desk;
  const entries = askedEntries(name, shop.entries.get(name) ?? [], params).filter(({ source }) => !("task" in source));
  if (isDryRun) {
    for (const { arch, source } of entries) log.info(`fetch   linux/${arch} from ${referenceOf(source) ?? ""}`);
    return {};
  }
  const allowed = [...params.allowMissing, ...(specOf(shop, name).allowMissing ?? [])].map(
    (one) => parsePlatform(one).arch,
  );
  const layout = layoutOf(shop, name);
  return withClient(desk, shop, async (client) => {
    const into = await createLayout(join(root, layout));
    const groups = groupEntries(entries);
    const { armFallback } = specOf(shop, name);
    const fetched = await Promise.all(
      [...groups].map(([reference, own]) =>
        fetchGroup({ client, into, log }, own, {
          root,
          reference,
          allowed,
          ...(armFallback && { armFallback }),
        }),
      ),
    );
    const found = fetched.flat();
    for (const { platform, descriptor, ref } of found) log.info(`linux/${platform}  ${descriptor.digest}  ${ref}`);
    return Object.fromEntries(
      found.map(({ platform, descriptor, ref, isOther }) => [
        platform,
        { digest: descriptor.digest, layout, ref, ...(isOther && { isOther }) },
      ]),
    );
  });
}

function groupEntries(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const reference = referenceOf(entry.source) ?? "";
    groups.set(reference, [...(groups.get(reference) ?? []), entry]);
  }
  return groups;
}

interface Bench {
  readonly client: Client;
  readonly into: Layout;
  readonly log: Desk<unknown>["log"];
}

/** A reference is opened once for all platforms that come from it. */
async function fetchGroup(
  { client, into, log }: Bench,
  entries: readonly Entry[],
  facts: {
    readonly root: string;
    readonly reference: string;
    readonly allowed: readonly Arch[];
    readonly armFallback?: readonly string[];
  },
): Promise<readonly (Fetched & { readonly ref: string })[]> {
  const { root, reference, allowed, armFallback } = facts;
  const options = {
    client,
    into,
    layers: "later" as const,
    onWarning: log.warn,
    ...(armFallback && { armFallback }),
  };
  const fetch = async (some: readonly Entry[]): Promise<readonly Fetched[]> => {
    const anyPlatform = some.some(({ rewriteConfig }) => rewriteConfig);
    const platforms = some.map(({ arch }) => arch);
    return fetchPlatforms(inRoot(root, reference), platforms, { ...options, anyPlatform }).catch((error: unknown) => {
      const lone = platforms.length === 1 ? platforms[0] : undefined;
      if (lone === undefined || !allowed.includes(lone) || !isBtError(error) || !missing.includes(error.code))
        throw error;
      log.warn(`linux/${lone} is left out, as allowMissing allows: ${error.message}`);
      return [];
    });
  };
  const alone = entries.filter(({ arch, rewriteConfig }) => rewriteConfig || allowed.includes(arch));
  const others = entries.filter((entry) => !alone.includes(entry));
  const parts = [...(others.length > 0 ? [others] : []), ...alone.map((one) => [one])];
  const fetched = (await Promise.all(parts.map(fetch))).flat();
  return fetched.map((one) => ({ ...one, ref: one.repository ?? reference }));
}
