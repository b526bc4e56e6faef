/** The record of a builder, `builder.json`: what was built and published, for people and other programs. Does not know how it came about. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { recordDamaged } from "./errors.ts";

export type Status = "built" | "failed" | "pushed" | "skipped";

/** One image of the record. */
export interface RecordedImage {
  /** `HOST/NAMESPACE/builder:VERSION-s390x`. */
  readonly ref?: string;
  /** Digest of the config, known when it is built. */
  readonly imageId?: string;
  /** Digest of the manifest in the registry. */
  readonly digest?: string;
  /** Images it was built on, with their digests. */
  readonly base?: string;
  readonly status: Status;
  /** Of `skipped` and `failed`. */
  readonly reason?: string;
}

/** Contents of `builder.json`. */
export interface BuilderRecord {
  readonly schema: 1;
  readonly variant: string;
  readonly version: string;
  /** Digest of all that the version stands for: while it is the same the version is kept. */
  readonly inputs: string;
  readonly source: { readonly commit: string; readonly dirty: boolean };
  readonly arches: readonly (RecordedImage & { readonly arch: string })[];
  readonly cross: RecordedImage;
  readonly index: RecordedImage;
}

/** `_out/builder/cs9/builder.json`. */
export function recordFile(outDir: string, variant: string): string {
  return join(outDir, variant, "builder.json");
}

/** Undefined: there is none. @throws BtError BAZEL_BUILDER_RECORD */
export async function readRecord(root: string, file: string): Promise<BuilderRecord | undefined> {
  const text = await readFile(join(root, file), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as BuilderRecord;
    if (record.schema !== 1 || typeof record.version !== "string" || !Array.isArray(record.arches))
      throw new Error("it has another schema");
    return record;
  } catch (error) {
    throw recordDamaged(file, error);
  }
}

/** Replaces the record in one step. */
export async function writeRecord(root: string, file: string, record: BuilderRecord): Promise<void> {
  await replaceFile(join(root, file), `${JSON.stringify(record, null, 2)}\n`);
}

/** Writes beside the file and renames; what is there is whole at any moment. */
export async function replaceFile(file: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const staged = `${file}.bt-${process.pid}`;
  try {
    await writeFile(staged, content);
    await chmod(staged, mode); // The umask does not count.
    await rename(staged, file);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}

/** One digest of several facts. */
export function digestFacts(facts: unknown): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
