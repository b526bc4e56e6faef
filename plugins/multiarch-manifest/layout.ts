/** A folder in OCI image-layout form: blobs by digest and a list of entries. Does not know what the blobs mean. */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { access, link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, hexOf, isDigest } from "./digest.ts";
import {
  blobCorrupt,
  blobMissing,
  blobSize,
  digestMalformed,
  layoutMalformed,
  layoutMissing,
  layoutVersion,
} from "./errors.ts";
import { withLock } from "./lock.ts";
import { mediaTypes, refNameAnnotation, type Descriptor } from "./oci.ts";

/** An opened layout. */
export interface Layout {
  /** The folder, as it was given. */
  readonly dir: string;
}

/** What a blob must turn out to be; a different one is not kept. */
export interface ExpectedBlob {
  readonly digest?: string;
  /** In bytes. */
  readonly size?: number;
}

const stagedForMs = 24 * 60 * 60 * 1000;

/**
 * The layout in `dir`, created with its parents if there is none.
 * @throws BtError MANIFEST_LAYOUT_VERSION, MANIFEST_LAYOUT_MALFORMED
 */
export async function createLayout(dir: string): Promise<Layout> {
  await mkdir(join(dir, "blobs", "sha256"), { recursive: true });
  if (!(await exists(join(dir, "oci-layout")))) {
    await withLock(join(dir, ".lock"), async () => {
      if (await exists(join(dir, "oci-layout"))) return;
      const empty = renderEntries([]); // Also what a run leaves that was killed right here.
      const index = (await exists(join(dir, "index.json"))) ? await readFile(join(dir, "index.json"), "utf8") : empty;
      if (index !== empty) throw layoutMissing(dir);
      await replaceFile(dir, "index.json", empty);
      await replaceFile(dir, "oci-layout", '{"imageLayoutVersion":"1.0.0"}');
    });
  }
  await removeOldStaged(dir);
  return openLayout(dir);
}

/**
 * The layout in `dir`; nothing is created.
 * @throws BtError MANIFEST_LAYOUT_MISSING, MANIFEST_LAYOUT_VERSION, MANIFEST_LAYOUT_MALFORMED
 */
export async function openLayout(dir: string): Promise<Layout> {
  const text = await readFile(join(dir, "oci-layout"), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw ["ENOENT", "ENOTDIR"].includes(error.code ?? "") ? layoutMissing(dir) : error;
  });
  const version = parseJson(dir, "oci-layout", text)["imageLayoutVersion"];
  if (typeof version !== "string" || !/^1\.\d+(\.\d+)?$/.test(version)) throw layoutVersion(dir, String(version));
  return { dir };
}

/**
 * Stores bytes under their digest: hashed while they are written to a staged file, which is renamed at the end. A blob that is there is kept.
 * @throws BtError MANIFEST_BLOB_CORRUPT or MANIFEST_BLOB_SIZE when they are not the `expected` ones
 */
export async function writeBlob(
  layout: Layout,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  expected: ExpectedBlob = {},
): Promise<{ digest: string; size: number }> {
  const staged = await stagedPath(layout.dir);
  try {
    const written = await writeHashed(staged, data);
    if (expected.size !== undefined && written.size !== expected.size) {
      throw blobSize("what was received", expected.digest ?? written.digest, {
        expected: expected.size,
        found: written.size,
      });
    }
    if (expected.digest !== undefined && written.digest !== expected.digest) {
      throw blobCorrupt("what was received", expected.digest, written.digest);
    }
    // One that was cut, by a full disk or a crash, is replaced.
    if ((await findBlobSize(layout, written.digest)) !== written.size)
      await rename(staged, blobPath(layout, written.digest));
    return written;
  } finally {
    await rm(staged, { force: true });
  }
}

/**
 * A whole blob in memory, its hash checked: for manifests and configs, not for layers.
 * @throws BtError MANIFEST_BLOB_MISSING, MANIFEST_BLOB_CORRUPT
 */
export async function readBlob(layout: Layout, digest: string): Promise<Buffer> {
  const data = await readFile(blobPath(layout, digest)).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? blobMissing(placeOf(layout), digest) : error;
  });
  const found = digestOf(data);
  if (found !== digest) throw blobCorrupt(placeOf(layout), digest, found);
  return data;
}

/**
 * A blob as a stream, for layers. Its hash is not checked: whoever stores the bytes checks them.
 * @throws BtError MANIFEST_BLOB_MISSING
 */
export async function openBlob(layout: Layout, digest: string): Promise<ReadStream> {
  if (!(await hasBlob(layout, digest))) throw blobMissing(placeOf(layout), digest);
  return createReadStream(blobPath(layout, digest), { highWaterMark: 1 << 20 });
}

/**
 * Where a blob is, or would be.
 * @throws BtError MANIFEST_DIGEST_MALFORMED
 */
export function blobPath(layout: Layout, digest: string): string {
  if (!isDigest(digest)) throw digestMalformed(placeOf(layout), digest);
  return join(layout.dir, "blobs", "sha256", hexOf(digest));
}

/** Whether the layout has the blob. */
export async function hasBlob(layout: Layout, digest: string): Promise<boolean> {
  return exists(blobPath(layout, digest));
}

/** A blob's JSON. Its bytes are what their digest says; that they are a `T` was checked before, or the caller does. */
export async function readJson<T>(layout: Layout, digest: string): Promise<T> {
  return JSON.parse((await readBlob(layout, digest)).toString("utf8")) as T; // See above.
}

/** Size of a blob in bytes. Undefined: the layout does not have it. */
export async function findBlobSize(layout: Layout, digest: string): Promise<number | undefined> {
  return (await stat(blobPath(layout, digest)).catch(() => undefined))?.size;
}

/** Makes one layout's blob another's: a hard link, or a checked copy between file systems. A blob that is there is kept. */
export async function linkBlob(from: Layout, into: Layout, digest: string): Promise<void> {
  if (await hasBlob(into, digest)) return;
  try {
    await link(blobPath(from, digest), blobPath(into, digest));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EEXIST") return;
    await writeBlob(into, await openBlob(from, digest), { digest });
  }
}

/**
 * The entries of index.json, in its order. An entry may be a manifest or an index.
 * @throws BtError MANIFEST_LAYOUT_MALFORMED
 */
export async function readEntries(layout: Layout): Promise<readonly Descriptor[]> {
  const text = await readFile(join(layout.dir, "index.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? layoutMalformed(layout.dir, 'it has no file "index.json"', error) : error;
  });
  const entries = parseJson(layout.dir, "index.json", text)["manifests"];
  if (!Array.isArray(entries)) throw layoutMalformed(layout.dir, '"index.json" has no list "manifests"');
  for (const entry of entries as readonly Partial<Descriptor>[]) {
    if (typeof entry?.mediaType !== "string" || typeof entry.digest !== "string" || typeof entry.size !== "number") {
      throw layoutMalformed(layout.dir, 'an entry of "index.json" lacks mediaType, digest or size');
    }
  }
  return entries as readonly Descriptor[];
}

/**
 * Adds entries to index.json. They replace those of the same `org.opencontainers.image.ref.name`, and nameless ones of the same digest;
 * the rest is kept. Sorted by name, then digest; one rename makes all of it visible. Writers wait for each other.
 */
export async function putEntries(layout: Layout, entries: readonly Descriptor[]): Promise<void> {
  await withLock(join(layout.dir, ".lock"), async () => {
    const names = new Set(entries.map(nameOf));
    const digests = new Set(entries.map((entry) => entry.digest));
    const kept = (await readEntries(layout)).filter((entry) => {
      const name = nameOf(entry);
      return name === undefined ? !digests.has(entry.digest) : !names.has(name);
    });
    await replaceFile(layout.dir, "index.json", renderEntries([...kept, ...entries]));
  });
}

/** Removes the entries called `name`; their blobs stay. */
export async function removeEntry(layout: Layout, name: string): Promise<void> {
  await withLock(join(layout.dir, ".lock"), async () => {
    const kept = (await readEntries(layout)).filter((entry) => nameOf(entry) !== name);
    await replaceFile(layout.dir, "index.json", renderEntries(kept));
  });
}

/** How messages call a layout. */
export function placeOf(layout: Layout): string {
  return `layout "${layout.dir}"`;
}

function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[refNameAnnotation];
}

function renderEntries(entries: readonly Descriptor[]): string {
  const keyed = entries.map((entry) => ({ key: `${nameOf(entry) ?? ""}\0${entry.digest}`, entry }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.oci.index,
    manifests: keyed.map(({ entry }) => entry),
  });
}

async function writeHashed(
  path: string,
  data: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx");
  try {
    for await (const chunk of data instanceof Uint8Array ? [data] : data) {
      hash.update(chunk);
      size += chunk.length;
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}

async function replaceFile(dir: string, name: string, text: string): Promise<void> {
  const staged = await stagedPath(dir);
  await writeFile(staged, text);
  await rename(staged, join(dir, name));
}

async function stagedPath(dir: string): Promise<string> {
  await mkdir(join(dir, ".staged"), { recursive: true });
  return join(dir, ".staged", randomUUID());
}

/** Staged files of killed processes; what others are writing now is younger. */
async function removeOldStaged(dir: string): Promise<void> {
  for (const name of await readdir(join(dir, ".staged")).catch(() => [])) {
    const path = join(dir, ".staged", name);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > stagedForMs) await rm(path, { force: true });
  }
}

function parseJson(dir: string, name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (error) {
    throw layoutMalformed(dir, `"${name}" is not JSON`, error);
  }
  throw layoutMalformed(dir, `"${name}" is not a JSON object`);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
