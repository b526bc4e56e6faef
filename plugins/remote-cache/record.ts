/** A result as bytes and back, with every field checked: servers are not believed. Does not know where it is kept. */
import type { Blob, CachedOutput, CachedResult } from "../../core/index.ts";

/** The record of a result, and nothing that somebody may have added to it. The same result gives the same bytes. */
export function renderRecord(result: CachedResult): Buffer {
  const { v, key, task, outputs, bundle, value, log, document, durationMs, madeMs, by } = result;
  return Buffer.from(JSON.stringify({ v, key, task, outputs, bundle, value, log, document, durationMs, madeMs, by }));
}

/** The result of `key` in a record. Undefined: it is none, or that of another key. */
export function parseRecord(bytes: Uint8Array, key: string): CachedResult | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isObject(json) || json["v"] !== 1 || json["key"] !== key) return undefined;
  const { task, by, durationMs, madeMs, outputs, bundle, document, log } = json;
  const isWhole =
    typeof task === "string" &&
    typeof by === "string" &&
    Number.isFinite(durationMs) &&
    Number.isFinite(madeMs) &&
    Array.isArray(outputs) &&
    outputs.every(isOutput) &&
    isBlob(document) &&
    (bundle === undefined || isBlob(bundle)) &&
    (log === undefined || isBlob(log));
  return isWhole ? (json as unknown as CachedResult) : undefined; // Every field was looked at.
}

function isOutput(value: unknown): value is CachedOutput {
  if (!isObject(value) || typeof value["path"] !== "string" || !isMode(value["mode"])) return false;
  switch (value["kind"]) {
    case "file":
      return isBlob(value["blob"]);
    case "link":
      return typeof value["target"] === "string";
    case "folder":
      return true;
    default: // From a server, not from our own union.
      return false;
  }
}

function isBlob(value: unknown): value is Blob {
  if (!isObject(value)) return false;
  const { digest, size } = value;
  return typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest) && Number.isSafeInteger(size) && Number(size) >= 0;
}

function isMode(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0o7777;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
