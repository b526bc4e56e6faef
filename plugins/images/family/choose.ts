/** Picks the family and version that a task's params name. Pure. */
import { familyUnknown, versionUnknown } from "./errors.ts";
import type { Family } from "./options.ts";
import type { Version } from "./table.ts";

/** @throws BtError IMAGES_FAMILY_UNKNOWN */
export function chooseFamily(families: readonly Family[], name: string | undefined): Family {
  const named = name === undefined && families.length === 1 ? families[0] : families.find((one) => one.name === name);
  if (named !== undefined) return named;
  throw familyUnknown(
    name,
    families.map((one) => one.name),
  );
}

/** The one that is named, or all of them. */
export function chooseFamilies(families: readonly Family[], name: string | undefined): readonly Family[] {
  return name === undefined ? families : [chooseFamily(families, name)];
}

/** @throws BtError IMAGES_FAMILY_VERSION */
export function chooseVersion({ name, versions }: Family, version: string): Version {
  const found = versions.get(version);
  if (found === undefined) throw versionUnknown(name, version, [...versions.keys()]);
  return found;
}
