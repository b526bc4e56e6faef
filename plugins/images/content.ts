/** Reads the bytes of files wherever they are: on disk, in memory, or inside tar archives. Does not know trees. */
import { createReadStream, createWriteStream, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { readExactly, readTar, smallBytes } from "./tar.ts";
import type { Content, TarSource } from "./tree.ts";

/** Opens contents of a known size; those inside archives have been taken out before. */
export type ContentReader = (content: Content, size: number) => AsyncIterable<Uint8Array>;

type Member = Extract<Content, { readonly kind: "member" }>;

/**
 * Calls `use` with a reader for `contents`. Archive members are taken out into a new folder in `dir`, each archive read once,
 * because an archive cannot be read in another order than its own; the folder is removed at the end.
 */
export async function withContents<T>(
  contents: readonly Content[],
  dir: string,
  use: (read: ContentReader) => Promise<T>,
): Promise<T> {
  const members = contents.filter((content) => content.kind === "member");
  if (members.length === 0) return use((content, size) => openContent(content, { size, paths: new Map() }));
  const folder = await mkdtemp(join(dir, ".members-"));
  try {
    const paths = await takeOut(members, folder);
    return await use((content, size) => openContent(content, { size, paths }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All bytes of one small file. */
export async function readContent(content: Content, dir: string): Promise<Buffer> {
  return withContents([content], dir, async (read) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of read(content, 0)) chunks.push(chunk);
    return Buffer.concat(chunks);
  });
}

type Paths = ReadonlyMap<TarSource, ReadonlyMap<number, string>>;

function openContent(
  content: Content,
  { size, paths }: { readonly size: number; readonly paths: Paths },
): AsyncIterable<Uint8Array> {
  switch (content.kind) {
    case "path":
      return readPath(content.path, size);
    case "bytes":
      return Readable.from([content.bytes], { objectMode: false });
    case "member": {
      const path = paths.get(content.tar)?.get(content.number);
      if (path === undefined) throw new Error(`Entry ${content.number} of an archive was not taken out`);
      return readPath(path, size);
    }
  }
}

async function* readPath(path: string, size: number): AsyncGenerator<Uint8Array> {
  // Waiting for a thread takes longer than reading so little.
  if (size <= smallBytes) yield readFileSync(path);
  else yield* createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>;
}

async function takeOut(members: readonly Member[], folder: string): Promise<Paths> {
  const wanted = new Map<TarSource, Map<number, string>>();
  for (const { tar, number } of members) {
    const numbers = wanted.get(tar) ?? new Map<number, string>();
    wanted.set(
      tar,
      numbers.set(number, join(folder, `${wanted.has(tar) ? [...wanted.keys()].indexOf(tar) : wanted.size}-${number}`)),
    );
  }
  for (const [tar, numbers] of wanted) {
    let number = 0;
    let left = numbers.size;
    for await (const { header, body } of readTar(await tar.open())) {
      const path = numbers.get(number++);
      if (path === undefined) continue;
      if (header.size <= smallBytes) writeFileSync(path, await readExactly(body, header.size));
      else await pipeline(body, createWriteStream(path));
      // The rest of the archive is not needed.
      if (--left === 0) break;
    }
  }
  return wanted;
}
