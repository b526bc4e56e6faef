/** A tar file of plain files with short names, whole or absent. Owners, modes and times are always the same; knows nothing of images. */
import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";

/** One file: its bytes, or a path and how many they are. */
export type TarEntry = { readonly name: string } & (
  | { readonly data: Uint8Array }
  | { readonly path: string; readonly size: number }
);

const blockBytes = 512;

/** Writes the entries in order to a new file beside `file`, which is renamed at the end. */
export async function writeTar(file: string, entries: readonly TarEntry[]): Promise<void> {
  const staged = `${file}.${process.pid}.part`;
  const target = await open(staged, "w");
  try {
    for (const entry of entries) {
      const size = "data" in entry ? entry.data.length : entry.size;
      await target.write(createHeader(entry.name, size));
      let written = 0;
      for await (const chunk of "data" in entry
        ? [entry.data]
        : createReadStream(entry.path, { highWaterMark: 1 << 20 })) {
        await target.writeFile(chunk as Uint8Array);
        written += (chunk as Uint8Array).length;
      }
      if (written !== size) throw new Error(`${entry.name} has ${written} bytes instead of ${size}`);
      await target.write(Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes));
    }
    await target.write(Buffer.alloc(2 * blockBytes));
    await target.sync();
    await target.close();
    await rename(staged, file);
  } catch (error) {
    await target.close().catch(() => undefined);
    await rm(staged, { force: true });
    throw error;
  }
}

/** A ustar header. Sizes from 8 GiB on are written in base 256, as GNU and libarchive do. */
function createHeader(name: string, size: number): Buffer {
  const header = Buffer.alloc(blockBytes);
  header.write(name, 0, 100, "utf8");
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  if (size < 8 ** 11) header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else {
    header[124] = 0x80;
    header.writeBigUInt64BE(BigInt(size), 128);
  }
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
