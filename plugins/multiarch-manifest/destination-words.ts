/** What the words of a destination say before anything is built: place and tags. Pure; asks nobody, and knows no images. */
import { digestUnwanted, storageUnwanted, tagsEmpty } from "./publish-errors.ts";
import { parseReference, type LayoutReference, type RegistryReference, type ReferenceOptions } from "./reference.ts";

/** Names without a host may be resolved by registries.conf, which is read later. */
export const laterNames: NonNullable<ReferenceOptions["shortNames"]> = {
  aliases: {},
  searchRegistries: ["registry.invalid"],
};

/**
 * Asks that images can become visible at `to`. `tags` are those that are said elsewhere; `where` is a variable.
 * @throws BtError MANIFEST_DESTINATION, MANIFEST_TAGS_EMPTY, MANIFEST_REFERENCE_MALFORMED
 */
export function checkDestination(
  to: string,
  { name, where, tags = [] }: { readonly name: string; readonly where?: string; readonly tags?: readonly string[] },
): void {
  const at = where === undefined ? {} : { at: { where } };
  const reference = parseReference(to, { ...at, shortNames: laterNames });
  if (reference.kind === "storage") throw storageUnwanted(to);
  if (reference.digest !== undefined) throw digestUnwanted(to);
  if (ownTag(to, reference) === undefined && tags.length === 0) throw tagsEmpty(name, to);
}

/** The tag that a destination says. Undefined: none. */
export function findTag(to: string): string | undefined {
  const reference = parseReference(to, { shortNames: laterNames });
  return reference.kind === "storage" ? undefined : ownTag(to, reference);
}

/** The tag that `to` itself says; `latest` is only meant when it is written. */
export function ownTag(to: string, reference: RegistryReference | LayoutReference): string | undefined {
  if (reference.kind === "layout") return reference.name;
  return reference.tag !== undefined && to.endsWith(`:${reference.tag}`) ? reference.tag : undefined;
}
