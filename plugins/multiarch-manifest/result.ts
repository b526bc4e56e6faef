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
