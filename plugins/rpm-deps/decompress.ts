/** Unpacks gz, xz and zst as a stream. Only importer of `fzstd` and `xz-decompress`; does not know what is inside. */
import { open } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable, Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";

/** Compressions that bt reads, by their first bytes. */
const magics = { gz: "1f8b", xz: "fd377a585a00", zst: "28b52ffd" };

/** How a file is packed, judged by its first bytes; undefined: in a way that bt does not know. */
export async function findCompression(file: string): Promise<"gz" | "xz" | "zst" | "none" | undefined> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(6), 0, 6, 0);
    const start = buffer.subarray(0, bytesRead);
    const hex = start.toString("hex");
    if (hex.startsWith(magics.gz)) return "gz";
    if (hex.startsWith(magics.xz)) return "xz";
    if (hex.startsWith(magics.zst)) return "zst";
    return start.toString("latin1").trimStart().startsWith("<") ? "none" : undefined;
  } finally {
    await handle.close();
  }
}

/** The bytes inside. A damaged file rejects while it is read. */
export async function openPacked(
  file: string,
  compression: "gz" | "xz" | "zst" | "none",
): Promise<AsyncIterable<Buffer>> {
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  switch (compression) {
    case "none":
      return source;
    case "gz": {
      const unpacked = createGunzip({ chunkSize: 1 << 18 });
      source.on("error", (error) => unpacked.destroy(error));
      return source.pipe(unpacked);
    }
    case "xz": {
      const { XzReadableStream } = (await import("xz-decompress")).default; // CommonJS: Node and bundlers agree on `default` only.
      const web = Readable.toWeb(source) as never; // The declarations of the two packages name the same stream differently.
      return Readable.fromWeb(new XzReadableStream(web) as unknown as ReadableStream);
    }
    case "zst":
      return source.pipe(await createUnzstd());
  }
}

async function createUnzstd(): Promise<Transform> {
  const { Decompress } = await import("fzstd");
  let unpacked: Buffer[] = [];
  const decoder = new Decompress((chunk) => void unpacked.push(Buffer.from(chunk)));
  const pass = (stream: Transform): void => {
    for (const chunk of unpacked) stream.push(chunk);
    unpacked = [];
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      try {
        decoder.push(chunk);
        pass(this);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    flush(done) {
      try {
        decoder.push(new Uint8Array(0), true);
        pass(this);
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}
