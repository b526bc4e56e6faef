/** What a publish would do: destinations, tags, their order. Phase 0, pure; no network, no disk. */
import type { Assembled, AssembleSpec } from "./assemble.ts";
import { digestUnwanted, storageUnwanted, tagMalformed, tagsEmpty, tagTwice } from "./publish-errors.ts";
import { placeOfReference } from "./destination.ts";
import { ownTag } from "./destination-words.ts";
import type { Attachment } from "./referrers.ts";
import {
  isTag,
  parseReference,
  type LayoutReference,
  type ReferenceOptions,
  type RegistryReference,
} from "./reference.ts";

/** One image of a group and where it becomes visible. */
export interface PublishItem {
  /** For messages and results: the image's name in the builderfile. */
  readonly name: string;
  /** From assemble(). */
  readonly image: Assembled;
  /** `docker://HOST/REPO[:TAG]`, `HOST/REPO[:TAG]`, or `oci:DIR[:REF]`. */
  readonly to: string;
  /** Further versioned tags. Default: none; then `to` must have one. */
  readonly tags?: readonly string[];
  /** Moving tags such as `latest`; they come last, and `onExisting` does not look at them. Default: none. */
  readonly alsoTags?: readonly string[];
  /** Also tags every child `TAG-ARCH`. Default: false. */
  readonly pushArchTags?: boolean;
  /** What a versioned tag that exists means: `same`, other content is an error; `fail`, any is. Default: `overwrite`. */
  readonly onExisting?: "overwrite" | "same" | "fail";
  /** Platforms that the index must have. Default: those of `image`. */
  readonly requirePlatforms?: AssembleSpec["requirePlatforms"];
  /** What is attached to the index; the blobs are in its layout. Default: nothing. */
  readonly attachments?: readonly Attachment[];
}

/** One tag that will stand for a digest. */
export interface PlannedTag {
  readonly tag: string;
  readonly digest: string;
  readonly kind: "arch" | "versioned" | "moving";
}

/** One item with its destination read and its tags in the order in which they become visible. */
export interface PlannedItem {
  readonly item: PublishItem;
  readonly reference: RegistryReference | LayoutReference;
  /** `quay.io/bake/oven`, `oci:out`. */
  readonly place: string;
  readonly tags: readonly PlannedTag[];
}

/**
 * Reads destinations and tags of a group.
 * @throws BtError MANIFEST_REFERENCE_MALFORMED, MANIFEST_TAG_MALFORMED, MANIFEST_TAGS_EMPTY, MANIFEST_TAG_TWICE, MANIFEST_DESTINATION
 */
export function planPublish(group: readonly PublishItem[], options: ReferenceOptions = {}): readonly PlannedItem[] {
  const planned = group.map((item) => planItem(item, options));
  const owners = new Map<string, string>();
  for (const { item, place, tags } of planned) {
    for (const { tag } of tags) {
      const reference = `${place}:${tag}`;
      const owner = owners.get(reference);
      if (owner !== undefined) throw tagTwice(reference, owner, item.name);
      owners.set(reference, item.name);
    }
  }
  return planned;
}

/** Lines for `-n`: what each phase would send. */
export function renderPlan(plan: readonly PlannedItem[]): readonly string[] {
  return plan.flatMap(({ item, place, tags }) => [
    `${item.name}: ${item.image.descriptor.digest} (${item.image.children.map((child) => child.platform).join(", ")})`,
    `  send    to ${place}: blobs, ${item.image.children.length} manifests, 1 index, by digest`,
    `  verify  ${place}@${item.image.descriptor.digest}`,
    ...tags.map(({ tag, digest }) => `  tag     ${place}:${tag} → ${digest}`),
  ]);
}

/** The same for images that are not assembled yet, so without digests. */
export function renderOutline(
  name: string,
  {
    arches,
    place,
    tags,
  }: { readonly arches: readonly string[]; readonly place: string; readonly tags: readonly string[] },
): readonly string[] {
  return [
    `${name}: ${arches.map((arch) => `linux/${arch}`).join(", ")}, not assembled yet`,
    `  send    to ${place}: blobs, ${arches.length} manifests, 1 index, by digest`,
    `  verify  ${place}`,
    ...tags.map((tag) => `  tag     ${place}:${tag}`),
  ];
}

function planItem(item: PublishItem, options: ReferenceOptions): PlannedItem {
  const reference = parseReference(item.to, options);
  if (reference.kind === "storage") throw storageUnwanted(item.to);
  if (reference.digest !== undefined) throw digestUnwanted(item.to);
  const own = ownTag(item.to, reference);
  const versioned = [...(own === undefined ? [] : [own]), ...(item.tags ?? [])];
  if (versioned.length + (item.alsoTags?.length ?? 0) === 0) throw tagsEmpty(item.name, item.to);
  const all = [...versioned, ...(item.alsoTags ?? [])];
  const wrong = reference.kind === "registry" ? all.find((tag) => !isTag(tag)) : all.find((tag) => tag === "");
  if (wrong !== undefined) throw tagMalformed(item.name, wrong);
  const { digest } = item.image.descriptor;
  const arch = item.pushArchTags === true ? versioned.flatMap((tag) => archTags(tag, item.image)) : [];
  const tags: PlannedTag[] = [
    ...arch,
    ...versioned.map((tag): PlannedTag => ({ tag, digest, kind: "versioned" })),
    ...(item.alsoTags ?? []).map((tag): PlannedTag => ({ tag, digest, kind: "moving" })),
  ];
  return {
    item,
    reference,
    place: placeOfReference(reference),
    tags: tags.filter(({ tag }, n) => tags.findIndex((one) => one.tag === tag) === n),
  };
}

function archTags(tag: string, image: Assembled): PlannedTag[] {
  return image.children.map((child) => ({
    tag: `${tag}-${child.platform.replace("/", "")}`,
    digest: child.descriptor.digest,
    kind: "arch",
  }));
}
