/** Bytes that are proven while they are written, few and so many that another thread digests them. */
import { createHash, hash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { landBlob } from "../../core/cache/land.ts";
import { temporaryFolder } from "../support/temporary.ts";

const mib = 1 << 20;
const pattern = randomBytes(mib + 7);

/** So many bytes in chunks of odd sizes; whoever gets them may do with them what he wants. */
async function* chunksOf(size: number, change?: (chunk: Buffer, at: number) => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += pattern.length) {
    const chunk = Buffer.from(pattern.subarray(0, size - at));
    change?.(chunk, at);
    yield chunk;
  }
}

async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

const sizes = [0, 1, 5 * mib + 3, 40 * mib + 5];

test.for(sizes)("%i bytes land as they are", async (size) => {
  const to = path.join(await temporaryFolder(), "file");
  const digest = await digestOf(chunksOf(size));

  await landBlob({ digest, size }, chunksOf(size), { to, mode: 0o640 });

  expect(await digestOf(fs.createReadStream(to))).toBe(digest);
  expect(fs.statSync(to).mode & 0o777).toBe(0o640);
});

test.for(sizes.slice(1))("of %i bytes one that is another is noticed, wherever it is", async (size) => {
  const folder = await temporaryFolder();
  const digest = await digestOf(chunksOf(size));
  for (const [n, wrong] of [0, size >> 1, size - 1].entries()) {
    const spoiled = chunksOf(size, (chunk, at) => {
      if (wrong >= at && wrong < at + chunk.length) chunk[wrong - at] = chunk[wrong - at]! ^ 1;
    });
    await expect(landBlob({ digest, size }, spoiled, { to: path.join(folder, `${n}`), mode: 0o644 })).rejects.toThrow(
      `bytes that are not ${digest}`,
    );
  }
});

test("chunks may be parts of one memory", async () => {
  const to = path.join(await temporaryFolder(), "file");
  const memory = randomBytes(40 * mib);
  const parts = Array.from({ length: 40 }, (_, n) => memory.subarray(n * mib, (n + 1) * mib));

  await landBlob({ digest: hash("sha256", memory), size: memory.length }, parts, { to, mode: 0o644 });

  expect(fs.readFileSync(to).equals(memory)).toBe(true);
});

test.for([
  [5, 1 << 14],
  [5, mib],
  [40, 1 << 14],
  [40, mib],
] as const)(
  "of %i MiB in chunks of %i bytes no wrong file lands from who uses the memory of a chunk again",
  async ([count, size]) => {
    const to = path.join(await temporaryFolder(), "file");
    const content = randomBytes(count * mib);
    async function* reusing(): AsyncGenerator<Uint8Array> {
      const memory = new Uint8Array(size);
      for (let at = 0; at < content.length; at += size) {
        memory.set(content.subarray(at, at + size));
        yield memory;
      }
    }

    const landed = await landBlob({ digest: hash("sha256", content), size: content.length }, reusing(), {
      to,
      mode: 0o644,
    }).then(
      () => fs.readFileSync(to).equals(content),
      (error: unknown) => error instanceof Error,
    );

    expect(landed).toBe(true);
  },
);

test("several that land at once do not mix", async () => {
  const folder = await temporaryFolder();
  const blobs = [33, 34, 35].map((count) => count * mib);
  const landings = blobs.map(async (size) => {
    const digest = await digestOf(chunksOf(size));
    await landBlob({ digest, size }, chunksOf(size), { to: path.join(folder, `${size}`), mode: 0o644 });
    return fs.statSync(path.join(folder, `${size}`)).size;
  });

  expect(await Promise.all(landings)).toEqual(blobs);
});

test.for([mib, 40 * mib])("a source of %i bytes that fails, ends early or goes on is an error", async (size) => {
  const folder = await temporaryFolder();
  const blob = { digest: await digestOf(chunksOf(size)), size };
  const failing = chunksOf(size, (_, at) => {
    if (at > 0 || size === mib) throw new Error("the line is dead");
  });
  const land = (name: string, source: AsyncIterable<Uint8Array>): Promise<void> =>
    landBlob(blob, source, { to: path.join(folder, name), mode: 0o644 });

  await expect(land("failing", failing)).rejects.toThrow("the line is dead");
  await expect(land("short", chunksOf(size - 1))).rejects.toThrow("bytes that are not");
  await expect(land("long", chunksOf(size + 1))).rejects.toThrow("bytes that are not");
  await land("right", chunksOf(size)); // Who failed has left nothing behind.
});
