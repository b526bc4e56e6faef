/** What a server keeps for one trust domain: entries by key, bytes by digest. Types only; does not know servers, nor who is trusted. */
import type { Blob, CachedResult } from "../../core/index.ts";

/** What stands under one key. Nothing of it is checked. */
export interface Entry {
  /** The record of the result, as it was signed. */
  readonly record: Buffer;
  readonly signature?: string;
}

/** One domain on one server. Every function rejects when the server fails. */
export interface Shelf {
  readonly domain: string;
  /** For messages, without secrets. */
  readonly place: string;
  readonly findEntry: (key: string, signal: AbortSignal) => Promise<Entry | undefined>;
  /** Replaces what is there. Called when all blobs of the result are there. */
  readonly writeEntry: (result: CachedResult, entry: Entry, signal: AbortSignal) => Promise<void>;
  readonly readBlob: (blob: Blob, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array> | undefined>;
  readonly hasBlob: (blob: Blob, signal: AbortSignal) => Promise<boolean>;
  readonly writeBlob: (blob: Blob, open: () => AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<void>;
}

/** The shelves of a server, one for each domain. */
export interface Shelves {
  readonly shelves: readonly Shelf[];
  /** Closes its connections. */
  readonly close: () => Promise<void>;
}

/** A record is read into memory; a larger one is not read. Bytes. */
export const recordLimit: number = 256 << 20;

/** All bytes of a stream, at most `limit`. Undefined: there are more. */
export async function readAll(chunks: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > limit) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
