/** What all tasks of one plugin share. Types only. */
import type { Entry } from "./entries.ts";
import type { ManifestOptions } from "./options.ts";

/** Made once for each multiarchManifest(). */
export interface Shop {
  readonly options: ManifestOptions;
  /** Entries of the images of the builderfile. */
  readonly entries: ReadonlyMap<string, readonly Entry[]>;
  /** Folder of layouts and digests.json, relative to the root. */
  readonly outDir: string;
}
