/** What a cache is to bt: a place for results by key and for bytes by digest. Does not know what results are made of, or when it is asked. */

/** A thing of known content. */
export interface Blob {
  /** Hex SHA-256. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** One output of a result. A folder stands for itself only where it is empty, or a declared output; files carry their own path. */
export interface CachedOutput {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly kind: "file" | "link" | "folder";
  /** Permission bits. */
  readonly mode: number;
  /** Content of a file. */
  readonly blob?: Blob;
  /** Where a link points. */
  readonly target?: string;
}

/** What one key gave. Plain JSON. */
export interface CachedResult {
  readonly v: 1;
  readonly key: string;
  readonly task: string;
  readonly outputs: readonly CachedOutput[];
  /** Files of up to 256 KiB, one after another in the order of `outputs`, the same bytes once. Absent: each is a blob of its own. */
  readonly bundle?: Blob;
  /** What the action returned. */
  readonly value?: unknown;
  /** What the task printed, masked. Absent: nothing. */
  readonly log?: Blob;
  /** The key document; its digest is the key. */
  readonly document: Blob;
  readonly durationMs: number;
  /** When it was made. Milliseconds since 1970. */
  readonly madeMs: number;
  /** Version of bt that made it. */
  readonly by: string;
}

/** Keeps results by key and blobs by digest. It may lie and fail: the caller verifies what it gives, and takes an error for a miss. */
export interface CacheStore {
  /** `local`, `remote`; what `--cache` calls it. */
  readonly name: string;
  /** Trust decides, for example a pull request never writes. */
  readonly canWrite: boolean;
  readonly findResult: (key: string, signal: AbortSignal) => Promise<CachedResult | undefined>;
  /** The memory of the chunks is the caller's from then on. */
  readonly readBlob: (blob: Blob, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Those of the blobs that are not there yet. */
  readonly findMissing: (blobs: readonly Blob[], signal: AbortSignal) => Promise<readonly Blob[]>;
  readonly writeBlob: (blob: Blob, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;
  /** Called when all its blobs are there. An entry that exists stays: `kept` is what it holds. */
  readonly writeResult: (result: CachedResult, signal: AbortSignal) => Promise<{ readonly kept?: CachedResult }>;
  /** Called once at the end of the run. */
  readonly close?: () => Promise<void>;
}

/** Larger files are not in the bundle of a result. Bytes. */
export const bundledSize: number = 1 << 18;

/** All that a result needs of a cache, each once. */
export function blobsOf(result: CachedResult): readonly Blob[] {
  const { outputs, bundle, log, document } = result;
  const files = outputs.flatMap(({ blob }) => (blob === undefined || isBundled(result, blob) ? [] : blob));
  return unique([document, log, bundle, ...files].filter((blob) => blob !== undefined));
}

/** What a bundle of these outputs is made of, in its order. */
export function bundledBlobs(outputs: readonly CachedOutput[]): readonly Blob[] {
  return unique(outputs.flatMap(({ blob }) => (blob !== undefined && blob.size <= bundledSize ? blob : [])));
}

/** Whether a file's bytes are in the bundle of its result, and nowhere else. */
export function isBundled({ bundle }: CachedResult, { size }: Blob): boolean {
  return bundle !== undefined && size <= bundledSize;
}

function unique(blobs: readonly Blob[]): readonly Blob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}
