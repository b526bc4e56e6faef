/** The work of `checksums`: reads files, writes one line for each. Knows nothing of bt but its errors. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nothingMatches } from "./errors.ts";

/** What the task returns; tasks that need it get this value. */
export interface Checksums {
  readonly out: string;
  readonly files: readonly string[];
}

export interface Wish {
  /** Project root, absolute. */
  readonly root: string;
  /** Relative to the root. */
  readonly out: string;
  readonly algorithm: "sha256" | "sha512";
}

/** @throws BtError CHECKSUMS_NOTHING */
export async function writeChecksums(files: readonly string[], { root, out, algorithm }: Wish): Promise<Checksums> {
  if (files.length === 0) throw nothingMatches();
  const lines: string[] = [];
  for (const file of files) {
    const digest = createHash(algorithm).update(await readFile(join(root, file)));
    lines.push(`${digest.digest("hex")}  ${file}\n`);
  }
  await writeFile(join(root, out), lines.join(""));
  return { out, files };
}
