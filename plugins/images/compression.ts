/** Finds out how bytes are compressed, by their first ones, and undoes it. Does not know tar. */
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";

/** How bytes are compressed. */
export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "xz";

const beginnings: readonly (readonly [Exclude<Compression, "none">, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
];

/** The compression of bytes that begin like this. */
export function detectCompression(head: Uint8Array): Compression {
  return beginnings.find(([, bytes]) => bytes.every((byte, index) => head[index] === byte))?.[0] ?? "none";
}

/** Whether this Node can undo a compression. */
export function canDecompress(compression: Compression): boolean {
  return compression === "none" || createDecompressor(compression) !== undefined;
}

/** The bytes behind a compression that canDecompress. */
export function decompress(bytes: Readable, compression: Compression): AsyncIterable<Uint8Array> {
  const decompressor = createDecompressor(compression);
  if (decompressor === undefined) return bytes;
  // Whoever reads the decompressor gets the same error.
  pipeline(bytes, decompressor).catch(() => undefined);
  return decompressor;
}

function createDecompressor(compression: Compression): Transform | undefined {
  if (compression === "gzip") return zlib.createGunzip();
  // Node has it from 22.15 on; the types are those of 20.
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform };
  return compression === "zstd" ? createZstdDecompress?.() : undefined;
}
