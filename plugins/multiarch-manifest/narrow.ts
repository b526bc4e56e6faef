/** Looks at a run before it starts: what was given is checked, what was not asked for is left out of the graph. Loads no client. */
import { BtError, isBtError, parsePlatform, pruneGraph, type Graph, type Node } from "../../core/index.ts";
import {
  adhocName,
  askedEntries,
  askedImages,
  askedPlatforms,
  checkSources,
  parseSources,
  specOf,
  type NamingValues,
  type NarrowingValues,
} from "./asked.ts";
import { checkPlatforms, referenceOf } from "./entries.ts";
import { tagMalformed, tagsEmpty, tagTwice } from "./publish-errors.ts";
import { checkDestination, laterNames as shortNames } from "./destination-words.ts";
import { isTag, parseReference } from "./reference.ts";
import type { Shop } from "./shop.ts";
import { nameTagged } from "./task-errors.ts";

type Values = Partial<NarrowingValues> &
  NamingValues & { readonly tags?: readonly string[]; readonly allowMissing?: readonly string[] };

/**
 * The graph without what was not asked for.
 * @throws BtError, or AggregateError of them: all that is wrong with images and params, before anything is built
 */
export function narrowGraph(graph: Graph, shop: Shop, site: { readonly stack?: string }): Graph {
  const mistakes: unknown[] = [];
  const attempt = (work: () => unknown, at?: { readonly where: string }): void => {
    try {
      work();
    } catch (error) {
      mistakes.push(isBtError(error) ? placedAt(error, at, site) : error);
    }
  };
  const nodes = new Map(graph.nodes);
  const refusals = new Map<string, unknown>();
  for (const node of graph.nodes.values()) {
    if (!node.name.startsWith("manifest:")) continue;
    try {
      nodes.set(node.id, { ...node, edges: narrowEdges(node, shop) });
    } catch (error) {
      refusals.set(node.id, error);
    }
  }
  const kept = pruneGraph({ ...graph, nodes });
  // SOURCES needs no image of the builderfile, so what PLATFORMS is to them counts for nothing.
  for (const [id, error] of refusals) if (kept.nodes.has(id)) attempt(() => raise(error));
  const checked = new Set<string>();
  for (const node of kept.nodes.values()) {
    if (!node.name.startsWith("manifest:")) continue;
    const values = valuesOf(node);
    checkValues(values, attempt);
    const image = /^manifest:(?:create|fetch):(.+)$/.exec(node.name)?.[1];
    const names = image !== undefined ? [image] : imagesOf(node, shop, values);
    for (const name of names) {
      if (checked.has(name)) continue;
      checked.add(name);
      checkSpec(name, shop, { values, attempt });
    }
  }
  attempt(() => checkTwice([...checked], shop));
  const unique = [...new Map(mistakes.map((one) => [one instanceof Error ? one.message : one, one])).values()];
  if (unique.length === 1) throw unique[0];
  if (unique.length > 1) throw new AggregateError(unique);
  return kept;
}

function valuesOf(node: Node): Values {
  return Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, value])) as Values; // As describe.ts declares them.
}

/** Images that a task works on without needing them built. */
function imagesOf(node: Node, shop: Shop, { image, sources = [] }: Values): readonly string[] {
  if (!/^manifest:(verify|inspect)$/.test(node.name) || sources.length > 0) return [];
  return image === undefined || shop.entries.has(image) ? askedNames(node, shop, image) : [];
}

function askedNames(node: Node, shop: Shop, image: string | undefined): readonly string[] {
  return shop.entries.size === 0 && image === undefined ? [] : askedImages(node.name, shop, image);
}

/** @throws BtError MANIFEST_IMAGE_UNKNOWN, MANIFEST_IMAGE_UNSAID, MANIFEST_PLATFORM_UNOFFERED, PLATFORM_UNKNOWN */
function narrowEdges(node: Node, shop: Shop): Node["edges"] {
  const values = valuesOf(node);
  const { image, sources = [], platforms = [], architectures = [] } = values;
  const created = /^manifest:create:(.+)$/.exec(node.name)?.[1];
  if (created !== undefined) {
    const entries = shop.entries.get(created) ?? [];
    const asked = askedEntries(created, entries, { platforms, architectures });
    return node.edges.filter(({ as }) => as === "fetched" || asked.some(({ arch }) => arch === as));
  }
  if (!/^manifest:(create|push|archive)$/.test(node.name)) return node.edges;
  if (sources.length > 0) {
    adhocName(image);
    if (node.name === "manifest:push")
      checkDestination(image ?? "", { name: adhocName(image), where: "IMAGE", tags: values.tags ?? [] });
    return node.edges.filter(({ kind }) => kind !== "result");
  }
  const names = askedImages(node.name, shop, image);
  // A group becomes visible together, so one of its images brings the others along.
  return node.edges.filter(
    ({ kind, as = "" }) => kind !== "result" || as.split("+").some((one) => names.includes(one)),
  );
}

type Attempt = (work: () => unknown, at?: { readonly where: string }) => void;

function checkValues(values: Values, attempt: Attempt): void {
  const { image, sources = [], platforms = [], architectures = [], tags = [], allowMissing = [] } = values;
  attempt(() => askedPlatforms({ platforms, architectures: [] }), { where: "PLATFORMS" });
  attempt(() => askedPlatforms({ platforms: [], architectures }), { where: "ARCHITECTURES" });
  for (const platform of allowMissing) attempt(() => parsePlatform(platform), { where: "ALLOW_MISSING" });
  for (const tag of tags)
    if (!isTag(tag)) attempt(() => raise(tagMalformed(image ?? "of this run", tag)), { where: "TAGS" });
  if (image !== undefined && /[/:]/.test(image)) {
    const at = { where: "IMAGE" };
    attempt(() => parseReference(image, { at, shortNames }), at);
  }
  attempt(
    () => {
      const given = parseSources(sources);
      for (const { reference } of given) parseReference(reference, { at: { where: "SOURCES" }, shortNames });
      checkSources(adhocName(image ?? ""), given);
    },
    { where: "SOURCES" },
  );
}

/** @throws BtError MANIFEST_TAG_TWICE */
function checkTwice(names: readonly string[], shop: Shop): void {
  const owners = new Map<string, string>();
  for (const name of names) {
    const { name: place, tags, alsoTags = [] } = specOf(shop, name);
    for (const reference of [...tags, ...alsoTags].map((tag) => `${place}:${tag}`)) {
      const owner = owners.get(reference) ?? name;
      if (owner !== name) throw tagTwice(reference, owner, name);
      owners.set(reference, name);
    }
  }
}

/** Destination, tags, platforms and sources of one image of the builderfile. */
function checkSpec(
  name: string,
  shop: Shop,
  { values, attempt }: { readonly values: Values; readonly attempt: Attempt },
): void {
  const spec = specOf(shop, name);
  attempt(() => {
    const reference = parseReference(spec.name, { shortNames });
    const isTagged =
      reference.kind === "layout"
        ? reference.name !== undefined
        : reference.kind === "registry" && spec.name.endsWith(`:${reference.tag}`);
    if (isTagged || (reference.kind !== "storage" && reference.digest !== undefined)) throw nameTagged(name, spec.name);
  });
  const tags = [...spec.tags, ...(spec.alsoTags ?? [])];
  if (tags.length === 0) attempt(() => raise(tagsEmpty(name, spec.name)));
  for (const tag of tags) if (!isTag(tag)) attempt(() => raise(tagMalformed(name, tag)));
  for (const platform of [...(spec.requirePlatforms ?? []), ...(spec.allowMissing ?? [])])
    attempt(() => parsePlatform(platform));
  const { platforms = [], architectures = [], allowMissing = [] } = values;
  const entries = shop.entries.get(name) ?? [];
  // A part of an image is asked for on purpose.
  if (platforms.length + architectures.length === 0)
    attempt(() =>
      checkPlatforms({
        name,
        entries: entries.map(({ arch }) => ({ platform: arch })),
        ...(spec.requirePlatforms && { requirePlatforms: spec.requirePlatforms }),
        allowMissing: [...(spec.allowMissing ?? []), ...allowMissing],
      }),
    );
  for (const { source } of entries) {
    const reference = referenceOf(source);
    if (reference !== undefined) attempt(() => parseReference(reference, { shortNames }));
  }
}

function raise(error: unknown): never {
  throw error;
}

/** The same error, which says where: the variable, or the line of the builderfile. */
export function placedAt(
  error: BtError,
  at: { readonly where: string } | undefined,
  site: { readonly stack?: string },
): BtError {
  if (error.at !== undefined) return error;
  const { code, message, fix, exitCode, detail, cause } = error;
  return new BtError(code, message, { fix, exitCode, detail, cause, ...(at === undefined ? { site } : { at }) });
}
