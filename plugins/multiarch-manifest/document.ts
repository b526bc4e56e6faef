/** Bytes of manifests, indexes and configs to typed data. Does not know where they came from. */
import { documentMalformed } from "./errors.ts";
import { isIndexType, mediaTypes, type Descriptor, type ImageConfig, type Index, type Manifest } from "./oci.ts";

/** A manifest or an index, told apart. */
export type Document =
  | { readonly kind: "manifest"; readonly mediaType: string; readonly manifest: Manifest }
  | { readonly kind: "index"; readonly mediaType: string; readonly index: Index };

/**
 * What the bytes are. `mediaType` is what the descriptor or the registry says; it fills in for a document that does not say it.
 * @throws BtError MANIFEST_DOCUMENT_MALFORMED naming `where`
 */
export function parseDocument(bytes: Uint8Array, where: string, mediaType?: string): Document {
  const json = parseObject(bytes, where);
  if (json["schemaVersion"] === 1) {
    throw documentMalformed(where, "has schema version 1, which was given up in 2017");
  }
  const own = json["mediaType"];
  const type = typeof own === "string" ? own : mediaType;
  if (typeof own === "string" && mediaType !== undefined && own !== mediaType) {
    throw documentMalformed(where, `is announced as "${mediaType}" and says it is "${own}"`);
  }
  if (Array.isArray(json["manifests"]) && (type === undefined || isIndexType(type))) {
    checkDescriptors(json["manifests"], where);
    return { kind: "index", mediaType: type ?? mediaTypes.oci.index, index: json as unknown as Index };
  }
  if (
    typeof json["config"] === "object" &&
    Array.isArray(json["layers"]) &&
    (type === undefined || !isIndexType(type))
  ) {
    checkDescriptors([json["config"], ...json["layers"]], where);
    return { kind: "manifest", mediaType: type ?? mediaTypes.oci.manifest, manifest: json as unknown as Manifest };
  }
  throw documentMalformed(
    where,
    `is neither an image manifest nor an index${type === undefined ? "" : ` but "${type}"`}`,
  );
}

/**
 * An index.
 * @throws BtError MANIFEST_DOCUMENT_MALFORMED
 */
export function parseIndex(bytes: Uint8Array, where: string, mediaType?: string): Index {
  const document = parseDocument(bytes, where, mediaType);
  if (document.kind === "index") return document.index;
  throw documentMalformed(where, "is the manifest of one image, an index was expected");
}

/**
 * An image manifest.
 * @throws BtError MANIFEST_DOCUMENT_MALFORMED
 */
export function parseManifest(bytes: Uint8Array, where: string, mediaType?: string): Manifest {
  const document = parseDocument(bytes, where, mediaType);
  if (document.kind === "manifest") return document.manifest;
  throw documentMalformed(where, "is an index, the manifest of one image was expected");
}

/**
 * An image config.
 * @throws BtError MANIFEST_DOCUMENT_MALFORMED
 */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig {
  const json = parseObject(bytes, where);
  const rootfs = json["rootfs"] as Partial<ImageConfig["rootfs"]> | undefined;
  if (typeof json["architecture"] !== "string" || typeof json["os"] !== "string" || !Array.isArray(rootfs?.diff_ids)) {
    throw documentMalformed(where, "is no image config: it lacks architecture, os or rootfs.diff_ids");
  }
  return json as unknown as ImageConfig;
}

function parseObject(bytes: Uint8Array, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw documentMalformed(where, "is not JSON", error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw documentMalformed(where, "is not a JSON object");
  return value as Record<string, unknown>;
}

function checkDescriptors(list: readonly unknown[], where: string): void {
  for (const one of list as readonly (Partial<Descriptor> | null)[]) {
    if (typeof one?.mediaType !== "string" || typeof one.digest !== "string" || typeof one.size !== "number") {
      throw documentMalformed(where, "has a descriptor without mediaType, digest or size");
    }
  }
}
