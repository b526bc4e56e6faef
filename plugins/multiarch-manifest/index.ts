/** What other plugins use of multiarch-manifest: OCI layouts and the vocabulary of images. Does not know who uses it. */
export { blobPath, createLayout, openBlob, openLayout, putEntries, readBlob, readEntries, writeBlob, type Layout } from "./layout.ts";
export { mediaTypes, type Descriptor, type ImageConfig, type Index, type Manifest } from "./oci.ts";
