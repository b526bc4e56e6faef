/** Local tar archives that ADD unpacks. Does not know where their files go. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Place } from "../../core/index.ts";
import { canDecompress, decompress, detectCompression } from "./compression.ts";
import { archiveDamaged, archiveUnsupported } from "./errors.ts";
import { applyTar, createImageTree, type ImageTree } from "./layerfs.ts";
import type { TarSource } from "./tree.ts";

const blockBytes = 512;

/**
 * The files of the archive at `path`, shown as `name`. Undefined: it is no archive, so ADD copies it.
 * @throws BtError IMAGES_ARCHIVE_UNSUPPORTED, IMAGES_ARCHIVE_DAMAGED
 */
export async function openArchive(
  path: string,
  shown: { readonly name: string; readonly at: Place },
): Promise<ImageTree | undefined> {
  const compression = detectCompression(await readHead(path));
  if (!canDecompress(compression)) {
    if (!/\.(tar|tar\.\w+|t[bxz]z2?|txz|tbz|tzst)$/.test(path)) return undefined;
    throw archiveUnsupported(shown.at, shown.name, compression);
  }
  const tar: TarSource = {
    open: async () => decompress(createReadStream(path, { highWaterMark: 1 << 18 }), compression),
  };
  if (!isTarHead(await readBeginning(tar))) return undefined;
  const tree = createImageTree(`the archive "${shown.name}"`);
  try {
    await applyTar(tree, tar, { whiteouts: "ignore" });
  } catch (error) {
    throw archiveDamaged(shown.at, shown.name, error);
  }
  return tree;
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(blockBytes), 0, blockBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The first block after decompression; shorter when there is no more, empty when the compression is damaged. */
async function readBeginning(tar: TarSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of await tar.open()) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= blockBytes) break;
    }
  } catch {
    return new Uint8Array();
  }
  return Buffer.concat(chunks).subarray(0, blockBytes);
}

/** A tar header holds the sum of its bytes, its own eight counted as spaces. */
function isTarHead(block: Uint8Array): boolean {
  if (block.length < blockBytes) return false;
  const written = Number.parseInt(
    Buffer.from(block.subarray(148, 156)).toString("latin1").replaceAll("\0", " ").trim(),
    8,
  );
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  return block.some((byte) => byte !== 0) && written === sum;
}
