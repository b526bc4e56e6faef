/** The vocabulary of OCI and Docker images: descriptors, manifests, indexes, configs, media types. Does not know where they are stored. */

/** A platform as image documents write it; the architecture is a GOARCH. */
export interface DescriptorPlatform {
  readonly architecture: string;
  readonly os: string;
  /** `v7`, `v8`. Absent: none given. */
  readonly variant?: string;
}

/** Names other bytes: what they are, what they hash to, how many they are. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Only in an index, and only of images. */
  readonly platform?: DescriptorPlatform;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Media type of an artifact; only in lists of referrers. */
  readonly artifactType?: string;
  /** Where bytes come from that no registry may distribute. Absent: the registry has them. */
  readonly urls?: readonly string[];
}

/** One platform's image: a config and layers, bottom layer first. */
export interface Manifest {
  readonly schemaVersion: 2;
  /** Absent in some older OCI manifests: the descriptor then says it. */
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** What this manifest is attached to. Absent: nothing. */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Manifests with their platforms: an OCI image index or a Docker manifest list. */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What an engine needs to run an image. Fields that bt does not read are kept as they are. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  /** RFC 3339. */
  readonly created?: string;
  readonly config?: {
    readonly User?: string;
    readonly Env?: readonly string[];
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly WorkingDir?: string;
    readonly Labels?: Readonly<Record<string, string>>;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
    readonly Volumes?: Readonly<Record<string, object>>;
  };
  readonly rootfs: {
    readonly type: "layers";
    /** Digests of the uncompressed layers, bottom first. */
    readonly diff_ids: readonly string[];
  };
  readonly history?: readonly {
    readonly created?: string;
    readonly created_by?: string;
    readonly comment?: string;
    readonly empty_layer?: boolean;
  }[];
}

/** The two families of media types; one index uses only one of them. */
export type Format = "oci" | "v2s2";

/** Media types by family. */
export const mediaTypes = {
  oci: {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar",
    layerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    layerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
    empty: "application/vnd.oci.empty.v1+json",
  },
  v2s2: {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar",
    layerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
} as const;

/** Every type a manifest request accepts, as one `Accept` value. Without the index types registries answer with a wrong child. */
export const acceptedManifests: string = [
  mediaTypes.oci.index,
  mediaTypes.oci.manifest,
  mediaTypes.v2s2.index,
  mediaTypes.v2s2.manifest,
].join(", ");

/** The annotation that names an entry of a layout's index.json. */
export const refNameAnnotation = "org.opencontainers.image.ref.name";

/** Whether the media type is one of an index, of either family. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.index || mediaType === mediaTypes.v2s2.index;
}

/** Whether the media type is one of an image manifest, of either family. */
export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.manifest || mediaType === mediaTypes.v2s2.manifest;
}

/** Whether the media type is one of an image config, of either family. Other configs belong to artifacts. */
export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.config || mediaType === mediaTypes.v2s2.config;
}

/** Whether no registry may distribute a layer; its bytes stay at the descriptor's `urls`. */
export function isForeignLayer(layer: Descriptor): boolean {
  return (
    (layer.mediaType.includes("nondistributable") || layer.mediaType.includes("foreign")) &&
    (layer.urls?.length ?? 0) > 0
  );
}
