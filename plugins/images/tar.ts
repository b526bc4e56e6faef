/** Tar archives as streams of entries, both ways. Only importer of tar-stream; does not know layers. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack, type Header } from "tar-stream";
import type { Owned } from "./tree.ts";

/** What the head of an entry says. Paths as written in the archive. */
export interface TarHeader extends Owned {
  readonly path: string;
  readonly kind: "file" | "folder" | "link" | "hard-link" | "fifo" | "character-device" | "block-device" | "unknown";
  /** In bytes; 0 for everything but files. */
  readonly size: number;
  /** Of links and hard links. */
  readonly target: string;
  readonly major: number;
  readonly minor: number;
}

/** One entry to write. */
export interface TarEntry {
  readonly header: Omit<TarHeader, "kind"> & {
    readonly kind: "file" | "folder" | "link" | "fifo" | "character-device" | "block-device";
  };
  /** Seconds since 1970. */
  readonly mtime: number;
  /** The bytes of a file; exactly `size` of them. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

const kinds: Readonly<Record<string, TarHeader["kind"]>> = {
  file: "file",
  "contiguous-file": "file",
  directory: "folder",
  symlink: "link",
  link: "hard-link",
  fifo: "fifo",
  "character-device": "character-device",
  "block-device": "block-device",
};

const types = {
  file: "file",
  folder: "directory",
  link: "symlink",
  fifo: "fifo",
  "character-device": "character-device",
  "block-device": "block-device",
} as const;

// Seven octal digits hold no more; the rest goes into a pax header.
const maxId = 0o777777;
const maxMtime = 2 ** 31 - 1;
/** Archives from before 1988 have no magic; their checksum is still checked. The library does not declare this option. */
const oldFormats = { allowUnknownFormat: true, highWaterMark: 1 << 18 };
const blockBytes = 256 * 1024;
/** Files up to this size are read at once. */
export const smallBytes: number = 256 * 1024;

/** The entries of an archive, in order. A body that nobody reads is skipped. */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly header: TarHeader; readonly body: AsyncIterable<Uint8Array> }> {
  const parser = extract(oldFormats);
  const reading = pipeline(Readable.from(bytes, { objectMode: false }), parser);
  // The parser fails with the same error, where somebody listens.
  reading.catch(() => undefined);
  for await (const entry of parser) {
    yield { header: parseHeader(entry.header), body: entry as AsyncIterable<Uint8Array> };
    entry.resume();
  }
  await reading;
}

/** The bytes of an archive, in blocks of one size, so that what compresses them sees the same writes every time. */
export async function* writeTar(entries: AsyncIterable<TarEntry> | Iterable<TarEntry>): AsyncGenerator<Uint8Array> {
  const archive = pack();
  const writing = writeEntries(archive, entries).catch((error: unknown) => {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  });
  writing.catch(() => undefined);
  let waiting: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of archive as AsyncIterable<Uint8Array>) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < blockBytes) continue;
      yield Buffer.concat(waiting);
      [waiting, size] = [[], 0];
    }
  } catch (error) {
    await writing;
    throw error;
  }
  await writing;
  yield Buffer.concat(waiting);
}

async function writeEntries(
  archive: ReturnType<typeof pack>,
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
): Promise<void> {
  for await (const { header, mtime, open } of entries) {
    const isBig = header.size > smallBytes;
    const bytes = isBig ? undefined : await readExactly(open(), header.size);
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error | null): void => (error ? reject(error) : resolve());
      if (bytes !== undefined) return void archive.entry(renderHeader(header, mtime), bytes, done);
      pipeline(Readable.from(open(), { objectMode: false }), archive.entry(renderHeader(header, mtime), done)).catch(
        reject,
      );
    });
  }
  archive.finalize();
}

/** All bytes of a small file; a stream for each would cost more than its bytes. Fails as the library does for big ones. */
export async function readExactly(bytes: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  const all = Buffer.concat(chunks);
  if (all.length !== size) throw new Error("Size mismatch");
  return all;
}

function renderHeader(header: TarEntry["header"], mtime: number): Partial<Header> & Pick<Header, "name"> {
  const pax: Record<string, string> = {};
  if (header.uid > maxId) pax["uid"] = String(header.uid);
  if (header.gid > maxId) pax["gid"] = String(header.gid);
  if (mtime > maxMtime) pax["mtime"] = String(mtime);
  const rendered = {
    name: header.path,
    type: types[header.kind],
    // The file type keeps the library from taking mode 0 for "no mode"; it is not written.
    mode: header.mode | 0o100000,
    uid: Math.min(header.uid, maxId),
    gid: Math.min(header.gid, maxId),
    size: header.kind === "file" ? header.size : 0,
    mtime: new Date(Math.min(mtime, maxMtime) * 1000),
    devmajor: header.major,
    devminor: header.minor,
    ...(header.kind === "link" ? { linkname: header.target } : {}),
  };
  return Object.keys(pax).length === 0 ? rendered : { ...rendered, pax };
}

function parseHeader(header: Header): TarHeader {
  const pax = (header.pax ?? {}) as Readonly<Record<string, string>>;
  const kind = kinds[header.type] ?? "unknown";
  return {
    path: header.name,
    kind,
    mode: header.mode & 0o7777,
    uid: Number(pax["uid"] ?? header.uid),
    gid: Number(pax["gid"] ?? header.gid),
    size: kind === "file" ? header.size : 0,
    target: header.linkname ?? "",
    major: header.devmajor,
    minor: header.devminor,
  };
}
