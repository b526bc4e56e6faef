/** The error of bytes that are not what they are called. Does not know who gave them. */
import type { Blob } from "../cache-store.ts";

/** Bytes that are not those of the blob they were given as. */
export interface WrongBlob extends Error {
  readonly blob: Blob;
}

export function wrongBlob(blob: Blob): WrongBlob {
  return Object.assign(new Error(`bytes that are not ${blob.digest}`), { blob });
}

export function isWrongBlob(error: unknown): error is WrongBlob {
  return error instanceof Error && "blob" in error;
}
