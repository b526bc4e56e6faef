/** The table of what was built last: `versions/` with a file for each key, or one JSON file. One writer at a time: bt locks `versions:set`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { replaceFile } from "../../core/index.ts";
import type { Family } from "./family.ts";
import { compareVersions } from "./outline.ts";
import { versionChanged, versionKeyUnknown, versionStoreDamaged } from "./errors.ts";
import { targetArches } from "./params.ts";

/** What is known of one key. */
export interface Version {
  readonly tag: string;
  /** Hash of what it was made of. Absent: nobody wrote it down. */
  readonly inputs?: string;
  /** ISO time. */
  readonly builtAt?: string;
}

export type Versions = ReadonlyMap<string, Version>;

interface LockFile {
  readonly version: 1;
  readonly images: Readonly<Record<string, Version>>;
}

/** Every key that the family can have, in the order of stages. */
export function keysOf({ kernels, flavors }: Family): readonly string[] {
  const suites = [...new Set([...kernels.values()].map(({ pkgRepo }) => pkgRepo))].sort();
  return [
    "kernel-builder",
    ...[...kernels.keys()].map((kernel) => `kernel-images/${kernel}`),
    ...targetArches.map((arch) => `root-builder/${arch}`),
    ...suites.flatMap((suite) => targetArches.map((arch) => `root-images/${suite}/${arch}`)),
    ...Object.keys(flavors).flatMap((flavor) =>
      [...kernels.keys()].flatMap((kernel) => flavorKeys({ kernels, flavors }, flavor, kernel)),
    ),
  ];
}

/** `kind/amd64/6.12` for each architecture of flavor and kernel; `complexity-test/6.12` for a flavor that has only one. */
export function flavorKeys(
  { kernels, flavors }: Pick<Family, "kernels" | "flavors">,
  flavor: string,
  kernel: string,
): readonly string[] {
  const { arches } = flavors[flavor] ?? { arches: [] };
  const own = arches.filter((arch) => kernels.get(kernel)?.platforms.includes(arch));
  if (arches.length === 1) return own.map(() => `${flavor}/${kernel}`);
  return own.map((arch) => `${flavor}/${arch}/${kernel}`);
}

/** The whole table, sorted. @throws BtError KERNEL_ROOTFS_VERSIONS_DAMAGED */
export function readVersions(root: string, store: string): Versions {
  const place = path.join(root, store);
  const entries = store.endsWith(".json") ? readLockFile(place) : readFolder(place);
  return new Map([...entries].sort(([a], [b]) => compareKeys(a, b)));
}

function readFolder(folder: string): [string, Version][] {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "README.md" && !entry.name.endsWith(".bt-new"))
    .map((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      return [path.relative(folder, file), { tag: fs.readFileSync(file, "utf8").trim() }];
    });
}

function readLockFile(file: string): [string, Version][] {
  if (!fs.existsSync(file)) return [];
  try {
    const { images } = JSON.parse(fs.readFileSync(file, "utf8")) as LockFile; // Written by writeVersion.
    return Object.entries(images);
  } catch (error) {
    throw versionStoreDamaged(file, error);
  }
}

/** One entry to write. */
export interface VersionChange {
  readonly key: string;
  readonly version: Version;
  /** What the tag must be now; `none`: nothing. Absent: anything. */
  readonly expect?: string;
}

/**
 * Replaces one entry.
 * @throws BtError KERNEL_ROOTFS_VERSION_CHANGED when it is not what was expected
 */
export function writeVersion(root: string, store: string, { key, version, expect }: VersionChange): void {
  const versions = readVersions(root, store);
  const found = versions.get(key)?.tag;
  if (expect !== undefined && (found ?? "none") !== expect) throw versionChanged(key, expect, found);
  const place = path.join(root, store);
  if (!store.endsWith(".json")) {
    replaceFile(path.join(place, key), `${version.tag}\n`);
    return;
  }
  const images = Object.fromEntries([...new Map([...versions, [key, version]])].sort(([a], [b]) => compareKeys(a, b)));
  const content: LockFile = { version: 1, images };
  replaceFile(place, `${JSON.stringify(content, undefined, 2)}\n`);
}

/** @throws BtError KERNEL_ROOTFS_KEY_FOREIGN */
export function checkKey(key: string, family: Family): void {
  const known = keysOf(family);
  if (!known.includes(key)) throw versionKeyUnknown(key, known);
}

/** Part by part; kernels by their numbers: `kernel-images/5.4` before `kernel-images/5.15`. */
export function compareKeys(a: string, b: string): number {
  const [one, other] = [a.split("/"), b.split("/")];
  const at = one.findIndex((part, index) => part !== other[index]);
  if (at < 0) return one.length - other.length;
  const [part = "", against = ""] = [one[at], other[at]];
  return compareVersions(part, against) || (part < against ? -1 : 1);
}
