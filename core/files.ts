/** Globs, stat, reading, hashing, atomic writing. Importer of `node:fs` for the engine; does not know tasks. */
import { createHash, type Hash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import picomatch from "picomatch";
import { escapePath, globSync } from "tinyglobby";

/** Identity of a file's content as far as stat tells: size, times, inode, device. */
export type Signature = string;

/** What one path holds. `exec` is a file with an executable bit; a link is described by its target. */
export type FileKind = "file" | "exec" | "link" | "folder" | "missing";
export interface FileFact {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly kind: FileKind;
  /** Hex SHA-256 of the content or link target; empty for a folder or a missing file. */
  readonly digest: string;
  /** Absent: the file was too young for its times to be trusted. */
  readonly signature?: Signature;
}

/** Digests known from before, by path. */
export type FileMemo = ReadonlyMap<string, FileFact>;

/** A file younger than this when it was hashed may change within the clock's grain. Milliseconds. */
const youngMs = 2000;

/** Stat of a path itself (links are not followed). Undefined: it does not exist. */
export function findStat(file: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) return undefined; // What should be a folder above it is a file.
    throw error;
  }
}

export function signatureOf(stat: fs.Stats): Signature {
  return `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino} ${stat.dev}`;
}

/** What `relative` holds now; content is read only when the stat differs from the memo's. */
export function describeFile(root: string, relative: string, memo: FileMemo): FileFact {
  const file = path.resolve(root, relative);
  const stat = findStat(file);
  if (stat === undefined) return { path: relative, kind: "missing", digest: "" };
  if (stat.isDirectory()) return { path: relative, kind: "folder", digest: "" };
  const kind = stat.isSymbolicLink() ? "link" : (stat.mode & 0o111) === 0 ? "file" : "exec";
  const signature = signatureOf(stat);
  const known = memo.get(relative);
  if (known !== undefined && known.signature === signature && known.kind === kind) return known;
  const digest = kind === "link" ? hashText(fs.readlinkSync(file)) : hashFile(file);
  const isYoung = Date.now() - Math.max(stat.mtimeMs, stat.ctimeMs) < youngMs;
  return { path: relative, kind, digest, ...(isYoung ? {} : { signature }) };
}

/** Hex SHA-256 of a file's content. */
export function hashFile(file: string): string {
  const hash = createHash("sha256");
  const descriptor = fs.openSync(file, "r");
  try {
    naming(file, () => readInto(descriptor, hash));
  } finally {
    fs.closeSync(descriptor);
  }
  return hash.digest("hex");
}

function readInto(descriptor: number, hash: Hash): void {
  const chunk = Buffer.allocUnsafe(1 << 16);
  for (;;) {
    const size = fs.readSync(descriptor, chunk, 0, chunk.length, null);
    if (size === 0) return;
    hash.update(chunk.subarray(0, size));
  }
}

export function hashText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Files and links that the patterns mean, sorted, each once. A pattern without glob characters stays even if nothing is there;
 * a folder means all files in it; `!` excludes. `.bt/`, `.git/` and `node_modules/` are never walked into by a glob.
 */
export function expandPaths(root: string, patterns: readonly string[], isGlob: (pattern: string) => boolean): string[] {
  const found = new Set<string>();
  const excluded = patterns
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => pattern.slice(1).replace(/\/+$/, ""));
  const isExcluded = picomatch(
    excluded.flatMap((pattern) => [pattern, `${pattern}/**`]),
    { dot: true },
  );
  const globs: string[] = [];
  for (const pattern of patterns) {
    if (pattern.startsWith("!")) continue;
    const file = pattern.replace(/^\.\//, "");
    if (isGlob(pattern)) globs.push(pattern.endsWith("/") ? `${pattern}**` : pattern);
    else if (findStat(path.resolve(root, pattern))?.isDirectory() === true)
      globs.push(`${escapePath(file.replace(/\/+$/, ""))}/**`);
    else if (!isExcluded(file)) found.add(file);
  }
  if (globs.length > 0) for (const file of walk(root, globs, excluded)) found.add(file);
  return [...found].sort();
}

/** The pattern that means this one path. */
export function patternOf(file: string): string {
  return escapePath(file);
}

/** Names that no glob walks into. */
export const closedNames: readonly string[] = [".bt", ".git", "node_modules"];

function walk(root: string, patterns: readonly string[], ignore: readonly string[]): string[] {
  const folders = ignore.length === 0 ? patterns.map((pattern) => findPlainFolder(root, pattern)) : [];
  if (folders.length > 0 && folders.every((folder) => folder !== undefined))
    return folders.flatMap((folder) => listFolder(root, folder));
  const failures: unknown[] = []; // The walker takes a folder that cannot be read for an empty one.
  const misread: string[] = [];
  const read = (folder: string, options: { readonly withFileTypes: true }): fs.Dirent[] => {
    try {
      return readWithLinks(folder, options);
    } catch (error) {
      if (isMisread(folder)) misread.push(path.relative(root, folder));
      else if (!passedOver.some((code) => hasCode(error, code))) failures.push(error);
      throw error;
    }
  };
  const found = globSync([...patterns], {
    cwd: root,
    dot: true,
    onlyFiles: true,
    followSymbolicLinks: false,
    expandDirectories: false,
    ignore: [...ignore, ...closedNames.map((name) => `**/${name}/**`)],
    fs: { readdirSync: read as typeof fs.readdirSync }, // The walker calls it in this one way.
  });
  if (failures.length > 0) throw failures[0];
  return [...found, ...misread];
}

/** Whether a name that is not UTF-8 stands in a path that was listed: nothing can be found under what it was read as. */
export function isMisread(file: string): boolean {
  return file.includes("\uFFFD") && findStat(file) === undefined;
}

/** Folders that a glob does not look into: gone meanwhile, or somebody else's. */
const passedOver = ["ENOENT", "ENOTDIR", "EACCES", "EPERM"];

/** The folder that a pattern means whole, when no link leads to it: reading it costs a third of matching what is in it. It need not be there. */
function findPlainFolder(root: string, pattern: string): string | undefined {
  const folder = /^((?:[\w-][\w.-]*\/)+)\*\*$/.exec(pattern)?.[1]?.slice(0, -1);
  const parts = folder?.split("/") ?? [];
  const isPlain = (_: string, at: number): boolean =>
    findStat(path.join(root, ...parts.slice(0, at + 1)))?.isDirectory() !== false;
  return parts.every(isPlain) && !parts.some((part) => closedNames.includes(part)) ? folder : undefined;
}

/** Files and links in a folder and below. */
function listFolder(root: string, folder: string): string[] {
  let entries: fs.Dirent[];
  try {
    entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true });
  } catch (error) {
    if (isMisread(path.join(root, folder))) return [folder];
    if (passedOver.some((code) => hasCode(error, code))) return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    if (closedNames.includes(entry.name)) return [];
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return listFolder(root, file);
    return entry.isFile() || entry.isSymbolicLink() ? [file] : [];
  });
}

/** Entries of a folder; a link counts as a file, as which it is described, and is not followed. */
function readWithLinks(folder: string, options: { readonly withFileTypes: true }): fs.Dirent[] {
  const entries = fs.readdirSync(folder, options);
  return entries.map((entry) =>
    entry.isSymbolicLink() ? Object.create(entry, { isFile: { value: () => true } }) : entry,
  );
}

/** Replaces one file in one step, whole or not at all; its mode stays. Makes its folder. */
export function replaceFile(file: string, content: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const staged = `${file}.${process.pid}.${Math.random().toString(36).slice(2, 8)}.bt-new`;
  try {
    stageFile(staged, content, file);
    fs.renameSync(staged, file);
  } catch (error) {
    try {
      fs.rmSync(staged, { force: true });
    } catch {
      // Why it was not written says more.
    }
    throw error;
  }
}

/** Writes what `file` is to become into `staged`, which must not be there: synced, and with the mode of `file` if that is there. */
export function stageFile(staged: string, content: string | Uint8Array, file: string): void {
  const before = fs.statSync(file, { throwIfNoEntry: false });
  const descriptor = fs.openSync(staged, "wx");
  try {
    if (before !== undefined) fs.fchmodSync(descriptor, before.mode & 0o7777); // The umask does not count.
    naming(file, () => (writeAll(descriptor, content), fs.fsyncSync(descriptor)));
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Writes everything; a short write is continued. */
export function writeAll(descriptor: number, content: string | Uint8Array): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  for (let offset = 0; offset < bytes.length;) offset += fs.writeSync(descriptor, bytes, offset);
}

/** Text of a file. Undefined: it does not exist. */
export function findText(file: string): string | undefined {
  try {
    return naming(file, () => fs.readFileSync(file, "utf8"));
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Errors of reading and writing do not say by themselves of which file. */
function naming<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw error instanceof Error && !("path" in error) ? Object.assign(error, { path: file }) : error;
  }
}

/** A file name for any text, such as a task's id: the text itself where that can be one. */
export function fileNameOf(text: string): string {
  const safe = text.replaceAll(/[/\0]/g, "_");
  const isPlain = safe === text && Buffer.byteLength(text) <= 150;
  return isPlain ? text : `${safe.slice(0, 50)}-${hashText(text).slice(0, 16)}`;
}

/** Whether an error of the operating system has this code, for example `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export function isFolder(file: string): boolean {
  try {
    return fs.statSync(file).isDirectory();
  } catch {
    return false;
  }
}

export function makeFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true });
}

/** Where links lead in the end; the path itself when they lead nowhere. */
export function followLinks(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch {
    return file;
  }
}

/** Absolute path of the program that a search path such as PATH leads to. */
export function findTool(tool: string, searchPath: string): string | undefined {
  const candidates = tool.includes("/")
    ? [tool]
    : searchPath.split(path.delimiter).map((folder) => path.join(folder, tool));
  return candidates.find(isProgram);
}

/** A folder of PATH that may not be read has no programs. */
function isProgram(file: string): boolean {
  try {
    const stat = findStat(file);
    return stat !== undefined && (stat.isSymbolicLink() || (stat.isFile() && (stat.mode & 0o111) !== 0));
  } catch {
    return false;
  }
}
