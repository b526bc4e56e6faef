/**
 * The shortcut of a run in which nothing has changed: stamps of every file that mattered last time, checked in one loop.
 * Loads nothing but `node:fs`; does not know tasks. It can only say "as last time" or "look properly".
 */
import * as fs from "node:fs";
import * as path from "node:path";

/** Identity of a file by stat, links followed: path, size, mtime, ctime, inode. Size −1: it does not exist. */
export type Stamp = readonly [path: string, sizeBytes: number, mtimeMs: number, ctimeMs: number, inode: number];

/** A file younger than this when it was stamped may change unseen within the clock's grain. Milliseconds. */
const youngMs = 2000;

export function stampFile(file: string): Stamp {
  const stat = findStat(file);
  return stat === undefined ? [file, -1, 0, 0, 0] : [file, stat.size, stat.mtimeMs, stat.ctimeMs, stat.ino];
}

/** Undefined: it does not exist, or what should be a folder above it is a file. */
function findStat(file: string): fs.Stats | undefined {
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

function areEnvSame(
  stamps: readonly EnvStamp[],
  env: Readonly<Record<string, string | undefined>>,
  salt: string,
): boolean {
  return stamps.every(([name, digest]) => stampEnv(name, env, salt)[1] === digest);
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined; // Absent or unreadable: then the long way finds out.
  }
}

function parseJson<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T; // Written by this module; anything else fails the build check.
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

/** All files whose unchanged stamps prove that a set of targets is up to date. */
export interface FreshProof {
  /** Command line in a canonical form. */
  readonly request: string;
  readonly manifestMs: number;
  /** Before anything was looked at: what has changed since may have changed unseen. */
  readonly startedMs: number;
  /** The log of records: whoever runs anything appends to it. */
  readonly state: Stamp;
  readonly env: readonly EnvStamp[];
  /** Tasks that are up to date. */
  readonly tasks: number;
  /** Relative to the root, or absolute: inputs, outputs, and folders that globs look into. */
  readonly files: readonly string[];
}

function proofFile(root: string, request: string): string {
  return path.join(root, ".bt", "fresh", quickHash(request).toString(36));
}

/** Stamps the files and writes the proof: a header of JSON, four columns of float64, the paths. */
export function writeProof(root: string, proof: FreshProof, write: (file: string, content: Uint8Array) => void): void {
  const { files, ...rest } = proof;
  const header = Buffer.from(JSON.stringify({ ...rest, count: files.length }));
  const columns = new Float64Array(files.length * 4);
  for (const [at, file] of files.entries())
    columns.set(stampFile(path.resolve(root, file)).slice(1) as number[], at * 4);
  const padded = Buffer.alloc(8 + Math.ceil(header.length / 8) * 8);
  padded.writeUInt32LE(header.length, 0);
  header.copy(padded, 8);
  write(
    proofFile(root, proof.request),
    Buffer.concat([padded, Buffer.from(columns.buffer), Buffer.from(files.join("\n"))]),
  );
}

/** How many tasks are proven up to date. Undefined: not proven, look properly. */
export function checkProof(
  manifest: Manifest,
  request: string,
  env: Readonly<Record<string, string | undefined>>,
): number | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(proofFile(manifest.root, request));
  } catch {
    return undefined;
  }
  if (bytes.length < 8) return undefined; // Whoever wrote it did not get far.
  const headerLength = bytes.readUInt32LE(0);
  const header = parseJson<Omit<FreshProof, "files"> & { count: number }>(bytes.toString("utf8", 8, 8 + headerLength));
  if (header === undefined || header.request !== request || header.manifestMs !== manifest.writtenMs) return undefined;
  const [, size, , ctimeMs, inode] = stampFile(header.state[0]);
  if (size !== header.state[1] || ctimeMs !== header.state[3] || inode !== header.state[4]) return undefined;
  if (!areEnvSame(header.env, env, manifest.root)) return undefined;
  const start = 8 + Math.ceil(headerLength / 8) * 8;
  if (bytes.length < start + header.count * 32) return undefined;
  const columns = new Float64Array(
    bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + start + header.count * 32),
  );
  return areFilesSame(
    manifest.root,
    bytes.toString("utf8", start + header.count * 32),
    columns,
    header.startedMs - youngMs,
  )
    ? header.tasks
    : undefined;
}

/** The hot loop: one stat a file, no objects besides Node's own. */
function areFilesSame(root: string, paths: string, columns: Float64Array, trustedMs: number): boolean {
  if (paths === "") return columns.length === 0;
  let at = 0;
  for (let start = 0; start <= paths.length; at += 4) {
    let end = paths.indexOf("\n", start);
    if (end === -1) end = paths.length;
    const file = paths.slice(start, end);
    const stat = findStat(file.charCodeAt(0) === 47 ? file : `${root}/${file}`);
    if (stat === undefined) return false;
    if (
      stat.size !== columns[at] ||
      stat.mtimeMs !== columns[at + 1] ||
      stat.ctimeMs !== columns[at + 2] ||
      stat.ino !== columns[at + 3]
    )
      return false;
    if (stat.mtimeMs >= trustedMs || stat.ctimeMs >= trustedMs) return false;
    start = end + 1;
  }
  return at === columns.length;
}
