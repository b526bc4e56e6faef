/** Manifests from one family of media types to the other; configs and layers keep their bytes. Pure. */
import { conversionImpossible } from "./errors.ts";
import { mediaTypes, type Descriptor, type Format, type Manifest } from "./oci.ts";

/** A manifest in the wanted family. */
export interface Conversion {
  readonly mediaType: string;
  readonly manifest: Manifest;
  readonly bytes: Buffer;
  /** Names of annotations that Docker v2s2 cannot carry. Empty: nothing is lost. */
  readonly dropped: readonly string[];
}

/** Pairs of media types with the same content: OCI, Docker v2s2. */
const pairs: readonly (readonly [oci: string, v2s2: string])[] = [
  [mediaTypes.oci.manifest, mediaTypes.v2s2.manifest],
  [mediaTypes.oci.config, mediaTypes.v2s2.config],
  [mediaTypes.oci.layer, mediaTypes.v2s2.layer],
  [mediaTypes.oci.layerGzip, mediaTypes.v2s2.layerGzip],
  [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ],
];
const toOci = new Map(pairs.map(([oci, v2s2]) => [v2s2, oci]));
const toV2s2 = new Map(pairs);

/**
 * The manifest in `format`; its own bytes if it is in that family already.
 * @throws BtError MANIFEST_CONVERSION for a layer that v2s2 has no type for, such as zstd
 */
export function convertManifest(bytes: Buffer, manifest: Manifest, format: Format, where: string): Conversion {
  const mediaType = mediaTypes[format].manifest;
  if (isFamily(manifest, format)) return { mediaType, manifest, bytes, dropped: [] };
  const converted: Manifest = {
    schemaVersion: 2,
    mediaType,
    config: convertDescriptor(manifest.config, format, where),
    layers: manifest.layers.map((layer) => convertDescriptor(layer, format, where)),
    ...(format === "oci" && manifest.annotations && { annotations: manifest.annotations }),
  };
  const dropped = format === "oci" ? [] : annotationNames(manifest);
  return { mediaType, manifest: converted, bytes: Buffer.from(JSON.stringify(converted)), dropped };
}

/** Whether a manifest and all it names are of one family. */
export function isFamily(manifest: Manifest, format: Format): boolean {
  const other = format === "oci" ? toOci : toV2s2;
  if ((manifest.mediaType ?? mediaTypes.oci.manifest) !== mediaTypes[format].manifest) return false;
  return [manifest.config, ...manifest.layers].every(
    (one) => !other.has(one.mediaType) && (format === "oci" || known(one.mediaType)),
  );
}

function known(v2s2: string): boolean {
  return toOci.has(v2s2);
}

function convertDescriptor(descriptor: Descriptor, format: Format, where: string): Descriptor {
  const mediaType = (format === "oci" ? toOci : toV2s2).get(descriptor.mediaType) ?? descriptor.mediaType;
  if (format === "v2s2" && !known(mediaType)) throw conversionImpossible(where, descriptor.mediaType);
  const { digest, size, urls, annotations } = descriptor;
  return { mediaType, digest, size, ...(urls && { urls }), ...(format === "oci" && annotations && { annotations }) };
}

function annotationNames(manifest: Manifest): string[] {
  const all = [manifest, manifest.config, ...manifest.layers].flatMap((one) => Object.keys(one.annotations ?? {}));
  return [...new Set(all)].sort();
}
