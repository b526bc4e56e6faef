/** What all tasks of one call of the plugin share. Loads nothing by itself. */
import type { Family, Site } from "./family.ts";
import type { KernelRootfsOptions } from "./options.ts";
import type { Outline } from "./outline.ts";

export interface Shop {
  readonly options: KernelRootfsOptions;
  readonly outline: Outline;
  /** Where the builderfile called the plugin. */
  readonly site: Site;
  /** Relative to the project root. */
  readonly dataDir: string;
  readonly ciSuffix: string;
  /** Debian suite of what names none. */
  readonly suite: string;
  /** Reads and checks all data, once a run. */
  readonly family: () => Promise<Family>;
}

export function createShop(options: KernelRootfsOptions, outline: Outline, site: Site): Shop {
  let loaded: Promise<Family> | undefined;
  const { dataDir = "_data", ciSuffix = "-ci", pkgRepo: suite = "sid" } = options;
  return {
    options,
    outline,
    site,
    dataDir,
    ciSuffix,
    suite,
    family: () => (loaded ??= import("./family.ts").then(({ loadFamily }) => loadFamily(options, site))),
  };
}
