/** What a builderfile says about multi-architecture images. Types, and the names in them; does not know how images are made or sent. */
import type { Need, OptionMarks, ParamSet, Task } from "../../core/index.ts";
import type { ImageResult } from "./result.ts";

/** A task that makes images, one of its cells, or one of it with params: `build`, `build.cell("arm64")`. */
export type ImageTask =
  | Task<ImageResult, ParamSet, string>
  | Task<ImageResult, ParamSet>
  | Need<ImageResult>
  | Need<Readonly<Record<string, ImageResult>>>;

/** Where the image of one platform comes from. */
export type ImageSource =
  /** `docker://HOST/REPO:TAG`, or any other reference with its transport. Of an index the platform's image is taken. */
  | { readonly ref: string }
  /** An OCI layout, relative to the project root. Default: its only entry. */
  | { readonly layout: string; readonly ref?: string; readonly digest?: string }
  /** A name, or the bare 64 digits of an image ID, in the storage of container engines. */
  | { readonly storage: string }
  /** Built in this run. Of a task with cells the platform's own is taken. */
  | { readonly task: ImageTask };

/** One platform of an index. */
export interface IndexEntry {
  /** Any spelling that bt knows: `arm64`, `linux/arm/v7`, `x86_64`. */
  readonly platform: string;
  readonly source: ImageSource;
  /** Write the platform into a config that says another one. Default: false, a mismatch is an error. */
  readonly rewriteConfig?: boolean;
  /** Of the entry in the index. */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One image for several platforms, and where it becomes visible. */
export interface IndexSpec<P extends string = string> {
  /** `HOST/REPO` without a tag, or `oci:DIR`, a layout relative to the project root. */
  readonly name: string;
  readonly tags: readonly string[];
  /** Moving tags such as `latest`: they come last, and `onExisting` does not look at them. Default: none. */
  readonly alsoTags?: readonly string[];
  /** A list, a record by platform, or a task with one cell for each platform. */
  readonly entries: readonly IndexEntry[] | Readonly<Record<NoInfer<P>, ImageSource>> | Task<ImageResult, {}, string>;
  /** Platforms that must be there, no more and no fewer. With it a record of entries that forgets one does not compile. Default: those of the entries. */
  readonly requirePlatforms?: readonly P[];
  /** Of `requirePlatforms`, those that may be missing. Default: none. */
  readonly allowMissing?: readonly string[];
  /** The same image under two platforms. Default: false. */
  readonly allowSharedDigest?: boolean;
  /** Family of media types, for index and images. Default: `oci`. */
  readonly format?: "oci" | "v2s2";
  /** Of the index. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Also tags the image of each platform, as TAG-ARCH. Default: false. */
  readonly pushArchTags?: boolean;
  /** What a tag that exists means: `same`, other content is an error; `fail`, any is. Default: `overwrite`. */
  readonly onExisting?: "overwrite" | "same" | "fail";
  /** Architectures of a source that stand for `arm/v7`, such as Fedora's `armhfp`. Default: none. */
  readonly armFallback?: false | readonly string[];
}

/** What multiarchManifest() is given. */
export interface ManifestOptions<P extends Readonly<Record<string, string>> = Readonly<Record<string, string>>> {
  /** By name; `manifest:push:NAME` publishes one of them. Default: none, `IMAGE` and `SOURCES` name one on the command line. */
  readonly images?: { readonly [K in keyof P]: IndexSpec<P[K]> };
  /** Which images become visible together. Default: `all`. */
  readonly publishGroup?: "all" | "each" | readonly (readonly string[])[];
  /** `false` allows unknown certificates and plain HTTP, `true` forbids plain HTTP even on loopback. Default: loopback hosts may speak plain HTTP. */
  readonly tlsVerify?: boolean;
  /** Path, relative to the project root. Default: the usual places. */
  readonly registriesConf?: string;
  /** Path of the only auth file, relative to the project root. Default: the usual places. */
  readonly authFile?: string;
  /** Requests at the same time per registry. Default: 4. */
  readonly concurrency?: number;
  /** Bytes of one part of a large blob. Default: 16 MiB. */
  readonly chunkSize?: number;
  /** Folder of layouts and `digests.json`, relative to the project root. Default: `.bt/manifest`. */
  readonly outDir?: string;
}

const imageMarks: OptionMarks<IndexSpec> = {
  name: "required string",
  tags: "required list",
  alsoTags: "optional",
  entries: "required",
  requirePlatforms: "optional",
  allowMissing: "optional",
  allowSharedDigest: "optional",
  format: "optional",
  annotations: "optional",
  pushArchTags: "optional",
  onExisting: "optional",
  armFallback: "optional",
};

/** The names of the options. */
export const manifestMarks: OptionMarks<ManifestOptions> = {
  images: { mark: "optional", each: imageMarks },
  publishGroup: "optional",
  tlsVerify: "optional",
  registriesConf: "optional",
  authFile: "optional",
  concurrency: "optional",
  chunkSize: "optional",
  outDir: "optional",
};
