/** What caches on other machines have of tasks that were left out, written down beside the local cache, so that the next bt need not ask. Without bytes: nothing is restored from it. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { CachedResult } from "../cache-store.ts";
import { makeFolder } from "../files.ts";
import type { Caches } from "./caches.ts";
import { useOf, type CacheChoice } from "./choice.ts";
import { encodeResult, readResult } from "./local.ts";
import { farFolder, type CachePlace } from "./place.ts";

/** Where it is written down; absolute. */
export function farFile({ folder }: CachePlace, key: string): string {
  return path.join(folder, farFolder, key);
}

/** Undefined: nothing is known, or its cache is not read any more. */
export function findFar(place: CachePlace, key: string, choice: CacheChoice): CachedResult | undefined {
  const result: FarResult | undefined = readResult(farFile(place, key), key);
  return result?.from !== undefined && useOf(choice, result.from).canRead ? result : undefined;
}

interface FarResult extends CachedResult {
  /** Name of the cache. */
  readonly from?: string;
}

/** Writes down what was found and not taken. Failing costs time only. */
export function keepFar({ place, local, untaken }: Caches): void {
  try {
    for (const [from, result] of untaken()) {
      if (local.peekResult(result.key) !== undefined) continue;
      const file = farFile(place, result.key);
      makeFolder(path.dirname(file));
      const told: FarResult = { ...result, from };
      // Not synced: what is half there after a crash has another checksum.
      fs.writeFileSync(`${file}.${process.pid}`, encodeResult(told));
      fs.renameSync(`${file}.${process.pid}`, file);
    }
  } catch {
    return;
  }
}
