/** Digests of bytes, in the one spelling bt uses: `sha256:` and 64 hexadecimal digits. Does not know what the bytes mean. */
import { createHash } from "node:crypto";

/** The digest of `data`. */
export function digestOf(data: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** Whether `text` is a digest that bt can check. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The 64 digits of a digest. */
export function hexOf(digest: string): string {
  return digest.slice("sha256:".length);
}
