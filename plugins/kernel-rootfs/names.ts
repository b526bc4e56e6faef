/** Names and tags of the family's images, as little-vm-helper-images gives them. Pure; anchored, never by pattern. */
import type { MakeValues } from "./params.ts";
import { flavorParam } from "./params.ts";

/** An image with a tag of its own. */
export interface Named {
  /** Without tag: `quay.io/lvh-images/kind-ci`. */
  readonly repository: string;
  readonly tag: string;
}

export function renderName({ repository, tag }: Named): string {
  return `${repository}:${tag}`;
}

/** Repository of `kernel-builder`, `root-builder`, `root-images`, `kernel-images` or a flavor; the variable wins. */
export function repositoryOf(values: Pick<MakeValues, "ociorg">, what: string, ciSuffix = "-ci"): string {
  const variable = /^(kernel|root)-(builder|images)$/.test(what) ? camel(what) : flavorParam(what);
  const own = (values as Readonly<Record<string, unknown>>)[variable];
  return typeof own === "string" && own !== "" ? own : `${values.ociorg}/${what}${ciSuffix}`;
}

function camel(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** Tag of the root images of a suite; `sid` has none of its own. */
export function rootImagesTag(tag: string, suite: string): string {
  return suite === "sid" ? tag : `${tag}-${suite}`;
}

/** Host names have no dots: what follows one would be taken for a domain. */
export function hostNameOf(flavor: string, kernel: string): string {
  return `${flavor}-${kernel}`.replaceAll(".", "-");
}
