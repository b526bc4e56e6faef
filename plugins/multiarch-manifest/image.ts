/** One platform's image, read and checked: manifest, config, sizes of what it names. Works on any source; does not know about indexes. */
import type { Arch } from "../../core/index.ts";
import { agrees, renderPlatform } from "./choose.ts";
import { parseConfig } from "./document.ts";
import { blobMissing, blobSize, configMismatch, documentMalformed } from "./errors.ts";
import { isConfigType, isForeignLayer, type Descriptor, type ImageConfig, type Manifest } from "./oci.ts";
import type { Source, Stored } from "./source.ts";

/** An image whose manifest was read. */
export interface Image {
  readonly stored: Stored;
  readonly manifest: Manifest;
  /** Absent: the manifest is an artifact, its config is no image config. */
  readonly config?: ImageConfig;
}

/**
 * An image by the digest of its manifest.
 * @throws BtError MANIFEST_DOCUMENT_MALFORMED if it is an index, and what the source throws for missing or changed bytes
 */
export async function readImage(source: Source, digest: string): Promise<Image> {
  const stored = await source.readDocument(digest);
  if (stored.document.kind === "index") {
    throw documentMalformed(
      `${source.place}@${digest}`,
      "is an index inside an index, the manifest of one image was expected",
    );
  }
  const { manifest } = stored.document;
  if (!isConfigType(manifest.config.mediaType)) return { stored, manifest };
  const bytes = await source.readBlob(manifest.config.digest);
  if (bytes.length !== manifest.config.size) {
    throw blobSize(source.place, manifest.config.digest, { expected: manifest.config.size, found: bytes.length });
  }
  return { stored, manifest, config: parseConfig(bytes, `the config ${manifest.config.digest} in ${source.place}`) };
}

/**
 * Asks that a config agrees with the slot it is in. Artifacts are exempt.
 * @throws BtError MANIFEST_CONFIG_MISMATCH with expected and found
 */
export function checkPlatform(image: Image, arch: Arch, where: string): void {
  if (image.config === undefined || agrees(image.config, arch)) return;
  throw configMismatch(`${where}@${image.stored.digest}`, {
    expected: `linux/${arch}`,
    found: renderPlatform(image.config),
  });
}

/** What is wrong with the layers of a manifest in `source`: missing ones and wrong sizes. Empty: nothing. */
export async function checkLayers(source: Source, manifest: Manifest): Promise<readonly Error[]> {
  const findings = await Promise.all(
    manifest.layers.filter((layer) => !isForeignLayer(layer)).map((layer) => checkLayer(source, layer)),
  );
  return findings.filter((finding) => finding !== undefined);
}

async function checkLayer(source: Source, layer: Descriptor): Promise<Error | undefined> {
  const found = await source.findBlobSize(layer.digest);
  if (found === undefined) return blobMissing(source.place, layer.digest);
  return found === layer.size ? undefined : blobSize(source.place, layer.digest, { expected: layer.size, found });
}
