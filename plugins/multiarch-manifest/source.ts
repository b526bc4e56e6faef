/** Where images can be read from: one interface for layouts and registries. Does not know what is done with them. */
import { digestOf, isDigest } from "./digest.ts";
import { parseDocument, type Document } from "./document.ts";
import { entryAmbiguous, entryMissing } from "./errors.ts";
import { findBlobSize, openBlob, placeOf, readBlob, readEntries, type Layout } from "./layout.ts";
import { refNameAnnotation } from "./oci.ts";

/** A manifest or index with its bytes. */
export interface Stored {
  readonly digest: string;
  readonly bytes: Buffer;
  readonly document: Document;
}

/** Reads images by digest or by a name. */
export interface Source {
  /** How messages call it: `layout "out"`, `quay.io/bake/oven`. */
  readonly place: string;
  /** A manifest or index by digest, or by tag or entry name; its hash is checked. Without a name: the only entry of a layout, or `latest`. */
  readonly readDocument: (name?: string) => Promise<Stored>;
  /** A whole blob in memory, its hash checked: for configs. */
  readonly readBlob: (digest: string) => Promise<Buffer>;
  /** A blob as a stream whose hash is not checked. */
  readonly openBlob: (digest: string) => Promise<AsyncIterable<Uint8Array>>;
  /** In bytes. Undefined: it does not have the blob. */
  readonly findBlobSize: (digest: string) => Promise<number | undefined>;
}

/** A layout as a source. Errors are those of layout.ts, MANIFEST_ENTRY_MISSING and MANIFEST_ENTRY_AMBIGUOUS. */
export function layoutSource(layout: Layout): Source {
  return {
    place: placeOf(layout),
    readDocument: async (name) => {
      if (name !== undefined && isDigest(name)) return readStored(layout, name);
      return readEntry(layout, name);
    },
    readBlob: (digest) => readBlob(layout, digest),
    openBlob: (digest) => openBlob(layout, digest),
    findBlobSize: (digest) => findBlobSize(layout, digest),
  };
}

async function readStored(layout: Layout, digest: string, mediaType?: string): Promise<Stored> {
  const bytes = await readBlob(layout, digest);
  return { digest, bytes, document: parseDocument(bytes, `${digest} in ${placeOf(layout)}`, mediaType) };
}

async function readEntry(layout: Layout, name: string | undefined): Promise<Stored> {
  const entries = await readEntries(layout);
  const found =
    name === undefined ? entries : entries.filter((entry) => entry.annotations?.[refNameAnnotation] === name);
  const [first, second] = found;
  const names = entries.map((entry) => entry.annotations?.[refNameAnnotation] ?? entry.digest);
  if (first === undefined) throw entryMissing(layout.dir, name, names);
  if (second === undefined) return readStored(layout, first.digest, first.mediaType);
  // Several manifests with platforms are an index that nobody wrote down.
  if (!found.every((entry) => entry.platform !== undefined)) throw entryAmbiguous(layout.dir, name, names);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: found }));
  return { digest: digestOf(bytes), bytes, document: parseDocument(bytes, `"index.json" of ${placeOf(layout)}`) };
}
