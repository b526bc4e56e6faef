/** The record of a builder, `builder.json`: what was built and published, for people and other programs. Does not know how it came about. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../core/index.ts";
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
export function writeRecord(root: string, file: string, record: BuilderRecord): void {
  replaceFile(join(root, file), `${JSON.stringify(record, null, 2)}\n`);
}

/** One digest of several facts. */
export function digestFacts(facts: unknown): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}
