/**
 * What the shortcut knows before it looks at tasks: stamps of files and variables, the manifest of a builderfile, the printed list.
 * Loads nothing but `node:fs`; does not know tasks. It can only say "as last time" or "look properly".
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Identity of a file by stat, links followed: path, size, mtime, ctime, inode. Size −1: it does not exist. */
export type Stamp = readonly [path: string, sizeBytes: number, mtimeMs: number, ctimeMs: number, inode: number];

/** A file younger than this when it was stamped may change unseen within the clock's grain. Milliseconds. */
export const youngMs = 2000;

export function stampFile(file: string): Stamp {
  const stat = findStat(file);
  return stat === undefined ? [file, -1, 0, 0, 0] : [file, stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino];
}

/** Undefined: it does not exist, or what should be a folder above it is a file. */
export function findStat(file: string): fs.Stats | undefined {
  try {
    return fs.statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function isSame([file, size, mtimeMs, ctimeMs, inode]: Stamp, writtenMs: number): boolean {
  const stat = findStat(file);
  if (stat === undefined) return size === -1;
  return (
    stat.size === size &&
    stat.mtimeMs === mtimeMs &&
    stat.ctimeMs === ctimeMs &&
    stat.ino === inode &&
    ctimeMs < writtenMs - youngMs &&
    mtimeMs < writtenMs - youngMs
  );
}

/** What the evaluation of a builderfile depended on. */
export interface Manifest {
  /** Build of bt that wrote it. */
  readonly build: string;
  /** Absolute. */
  readonly root: string;
  readonly builderfile: string;
  readonly writtenMs: number;
  /** The builderfile, what it imports, the lock file, settings files, and files it read. */
  readonly stamps: readonly Stamp[];
  /** Variables that it read, with a digest of their values. */
  readonly env: readonly EnvStamp[];
  /** Where the builderfile read a variable or a file first: `builderfile.ts:3`, by name or absolute path. */
  readonly places?: Readonly<Record<string, string>>;
  /** False: it read something that cannot be tracked. */
  readonly isTracked: boolean;
}
export type EnvStamp = readonly [name: string, digest: number | null];

/** Digest of a variable's value: enough to see a change, no way back to the value. */
export function stampEnv(name: string, env: Readonly<Record<string, string | undefined>>, salt: string): EnvStamp {
  const value = env[name];
  return [name, value === undefined ? null : quickHash(`${salt}\0${value}`)];
}

/** cyrb53: 53 bits, no `node:crypto` to load. */
export function quickHash(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

export const manifestFile = "config.json";
export const listFile = "list.json";

/** File names that make a folder a project, in the order in which they are looked for. */
export const builderfileNames: readonly string[] = [
  "builderfile.ts",
  "builderfile.mts",
  "builderfile.js",
  "builderfile.mjs",
  ".config/builderfile.ts",
];

/** The manifest of the nearest project at or above `cwd`, if it still holds. */
export function findManifest(
  cwd: string,
  build: string,
  env: Readonly<Record<string, string | undefined>>,
): Manifest | undefined {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    const text = readText(path.join(folder, ".bt", manifestFile));
    if (text !== undefined) {
      const manifest = parseJson<Manifest>(text);
      return manifest !== undefined && manifest.root === folder && isCurrent(manifest, build, env)
        ? manifest
        : undefined;
    }
    const holdsOther = [...builderfileNames, "package.json"].some(
      (name) => findStat(path.join(folder, name)) !== undefined,
    );
    if (holdsOther || folder === path.dirname(folder)) return undefined;
  }
}

function isCurrent(manifest: Manifest, build: string, env: Readonly<Record<string, string | undefined>>): boolean {
  if (!manifest.isTracked || manifest.build !== build) return false;
  return (
    manifest.stamps.every((stamp) => isSame(stamp, manifest.writtenMs)) && areEnvSame(manifest.env, env, manifest.root)
  );
}

/** What the evaluation depended on and has changed since, as sentences: why the builderfile of `root` is looked at again. Empty: nothing is known, or nothing has. */
export function manifestChanges(
  root: string,
  build: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const manifest = parseJson<Manifest>(readText(path.join(root, ".bt", manifestFile)) ?? "");
  if (manifest === undefined) return [];
  const readAt = (name: string): string => {
    const place = manifest.places?.[name];
    return place === undefined ? "" : `, which is read at ${place}`;
  };
  return [
    ...(manifest.build === build ? [] : ["bt itself is another one"]),
    ...(manifest.isTracked ? [] : ["it reads what cannot be tracked"]),
    ...manifest.stamps.flatMap((stamp) => {
      const [file, size] = stamp;
      if (isSame(stamp, Number.POSITIVE_INFINITY)) return [];
      const what = size === -1 ? "is new" : findStat(file) === undefined ? "is gone" : "changed";
      return [`"${path.relative(manifest.root, file)}" ${what}${readAt(file)}`];
    }),
    ...manifest.env
      .map(([name, before]) => ({ name, before, now: stampEnv(name, env, manifest.root)[1] }))
      .filter(({ before, now }) => before !== now)
      .map(({ name, before, now }) => {
        const what = before === null ? "was set" : now === null ? "was unset" : "changed";
        return `variable ${name} ${what}${readAt(name)}`;
      }),
  ];
}

export function areEnvSame(
  stamps: readonly EnvStamp[],
  env: Readonly<Record<string, string | undefined>>,
  salt: string,
): boolean {
  return stamps.every(([name, digest]) => stampEnv(name, env, salt)[1] === digest);
}

export function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined; // Absent or unreadable: then the long way finds out.
  }
}

export function parseJson<T>(text: string): T | undefined {
  try {
    return (JSON.parse(text) as T | null) ?? undefined; // Written by this module; anything else fails the build check.
  } catch {
    return undefined;
  }
}

/** The list of tasks as it was last printed; with `isBare` only if bt without a task prints it. */
export function findList(manifest: Manifest, variant: "plain" | "colour", isBare: boolean): string | undefined {
  const text = readText(path.join(manifest.root, ".bt", listFile));
  const list =
    text === undefined
      ? undefined
      : parseJson<{ writtenMs: number; isDefault: boolean; plain: string; colour: string }>(text);
  return list?.writtenMs === manifest.writtenMs && (list.isDefault || !isBare) ? list[variant] : undefined;
}
