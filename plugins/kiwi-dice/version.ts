/** KIWI's version on this machine, found without starting it where possible, and what each version reads. Does not know other hosts. */
import { readFileSync, statSync } from "node:fs";
import { findTool } from "../../core/index.ts";
import { kiwiSilent } from "./host-errors.ts";

/** A KIWI on this machine. */
export interface Kiwi {
  /** Absolute path of the program. */
  readonly file: string;
  /** Absent: only running it can tell. */
  readonly version?: string;
}

/** Scripts of Debian and of easy_install name the version they start. Undefined: there is no such program. */
export function findKiwi(bin: string, searchPath: string): Kiwi | undefined {
  const file = findTool(bin, searchPath);
  if (file === undefined) return undefined;
  const version = statSync(file, { throwIfNoEntry: false }) === undefined ? undefined : versionIn(readStart(file));
  return { file, ...(version === undefined ? {} : { version }) };
}

function versionIn(text: string): string | undefined {
  return /\bkiwi==([\w.]+)/.exec(text)?.[1];
}

function readStart(file: string): string {
  try {
    return readFileSync(file, "latin1").slice(0, 4096);
  } catch {
    return "";
  }
}

/** `KIWI (next generation) version 9.24.56` → `9.24.56`. @throws BtError KIWI_DICE_KIWI_SILENT */
export function parseVersion(bin: string, said: string): string {
  const [, version] = /version\s+v?(\d+(?:\.\w+)+)/i.exec(said) ?? [];
  if (version === undefined) throw kiwiSilent(bin, said.trim().split("\n").at(-1) ?? "");
  return version;
}

/** The first version that reads a schema, in KIWI's history; each reads all older ones. */
const schemas: readonly (readonly [kiwi: string, schema: string])[] = [
  ["9.20.13", "7.2"],
  ["9.21.10", "7.3"],
  ["9.23.21", "7.4"],
  ["9.24.29", "7.5"],
  ["9.25.0", "7.6"],
  ["10.0.1", "8.0"],
  ["10.0.5", "8.1"],
  ["10.0.28", "8.2"],
  ["10.2.7", "8.3"],
  ["10.2.34", "8.4"],
  ["10.3.5", "8.5"],
];

/** The newest schema that a KIWI reads. Undefined: it is newer than this table. */
export function newestSchema(kiwi: string): string | undefined {
  if (compare(kiwi, "10.4") >= 0) return undefined;
  return schemas.findLast(([first]) => compare(kiwi, first) >= 0)?.[1] ?? "7.1";
}

/** Below, at or above 0, as for sort; by numbers. */
export function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split(".").map((part) => Number.parseInt(part, 10) || 0));
  for (let at = 0; at < Math.max(left!.length, right!.length); at++) {
    const difference = (left![at] ?? 0) - (right![at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
