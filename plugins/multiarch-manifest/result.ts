/** What building and publishing tasks hand on: the typed results that travel along the graph. Does not know who makes them. */

/** One platform's image in a layout. */
export interface ImageResult {
  /** `linux/arm64`. */
  readonly platform: string;
  /** Digest of the manifest. */
  readonly digest: string;
  /** Digest of the config; it survives recompression. */
  readonly imageId: string;
  readonly mediaType: string;
  /** Of the manifest, in bytes. */
  readonly size: number;
  /** OCI layout that holds it, relative to the project root. */
  readonly layout: string;
  /** Images it was built on: reference to the digest it had then. Absent: none. */
  readonly bases?: Readonly<Record<string, string>>;
}

/** Whether what a task has returned is an image; tasks are only promised to return one. */
export function isImageResult(value: unknown): value is ImageResult {
  if (typeof value !== "object" || value === null) return false;
  const { platform, digest, layout } = value as Partial<ImageResult>; // Checked on this line.
  return typeof platform === "string" && typeof digest === "string" && typeof layout === "string";
}

/** What one reference names after a publish. */
export interface PublishResult {
  /** `oci:dist/builder:latest`. */
  readonly reference: string;
  /** Digest of the index. */
  readonly digest: string;
  /** `unchanged`: it had exactly this before. */
  readonly status: "pushed" | "unchanged";
  readonly platforms: Readonly<Record<string, { readonly digest: string; readonly imageId: string }>>;
}

/** One platform of an assembled index. */
export interface PlatformResult extends ImageResult {
  /** Manifest, config and layers together. */
  readonly bytes: number;
  /** Where it came from, or what it was before conversion. Absent: it was built here and its bytes were kept. */
  readonly source?: { readonly ref?: string; readonly digest: string };
}

/** An assembled index in a layout. */
export interface CreateResult {
  /** Its name in the builderfile, or the last part of `IMAGE`. */
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Of the index, in bytes. */
  readonly size: number;
  readonly format: "oci" | "v2s2";
  /** OCI layout, relative to the project root. */
  readonly layout: string;
  /** By `linux/arm64`, in the order of the index. */
  readonly platforms: Readonly<Record<string, PlatformResult>>;
}

/** What was published together. */
export interface PushResult {
  /** By name in the builderfile. */
  readonly images: Readonly<
    Record<
      string,
      {
        /** `quay.io/bake/oven:1`. */
        readonly ref: string;
        /** Digest of the index. */
        readonly digest: string;
        /** `unchanged`: the registry had exactly this before. */
        readonly status: "pushed" | "unchanged";
        readonly platforms: Readonly<Record<string, ImageResult>>;
      }
    >
  >;
}

/** Results of `manifest:create`, by image. */
export type CreateResults = Readonly<Record<string, CreateResult>>;

/** An image that was copied from elsewhere. */
export interface FetchedImage {
  readonly digest: string;
  /** OCI layout, relative to the project root. */
  readonly layout: string;
  /** Where it came from: a repository with the digest, or another reference. */
  readonly ref: string;
  /** Its config says another architecture, which was allowed and is rewritten. */
  readonly isOther?: boolean;
}

/** Fetched images by platform: `arm64`. */
export type FetchResult = Readonly<Record<string, FetchedImage>>;
