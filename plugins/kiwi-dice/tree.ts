/** The files of a recipe: what each is, and a copy of them all. Does not know what they mean to KIWI. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
import { lutimesSync, symlinkSync, utimesSync, type Stats } from "node:fs";
import { join } from "node:path";
import { recipeFileSpecial } from "./errors.ts";

/** Path relative to the recipe, to what stands there: `file 0644 SHA256`, `folder 0755`, `link TARGET`. */
export type Tree = Readonly<Record<string, string>>;

/** Files by which later looks tell that nobody has written into them: path to inode, size and times. */
export interface Stamps {
  /** When the first of them was looked at, milliseconds since 1970. */
  readonly takenMs: number;
  readonly files: Readonly<Record<string, string>>;
}

/** A file that was written so shortly before its stamp was taken may change once more without another stamp. Milliseconds. */
const youngMs = 2000;

/** Never part of a recipe, at its top only. */
const skipped = new Set([".dice", ".bt", ".git"]);
/** Names of the build host, not of the image. */
const hostFiles = new Set(["Dicefile", "Vagrantfile"]);

export interface TreeOptions {
  readonly withVagrantfile: boolean;
  /** What was found before: a file with the same stamp is not read again. */
  readonly before?: { readonly tree: (path: string) => string | undefined; readonly stamps: Stamps };
}

/**
 * What stands below `folder` and can change an image, also hidden files. The Vagrantfile only when it decides about the host.
 * @throws BtError KIWI_DICE_FILE_SPECIAL
 */
export function readTree(
  folder: string,
  { withVagrantfile, before }: TreeOptions,
): { readonly tree: Tree; readonly stamps: Stamps } {
  const takenMs = Date.now();
  const [tree, files]: [Record<string, string>, Record<string, string>] = [{}, {}];
  const trustedMs = (before?.stamps.takenMs ?? 0) - youngMs;
  for (const { path, stats } of walk(folder)) {
    if (hostFiles.has(path) && !(path === "Vagrantfile" && withVagrantfile)) continue;
    const stamp = stats.isFile() ? [stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(" ") : undefined;
    if (stamp !== undefined) files[path] = stamp;
    const isSame = stamp !== undefined && stamp === before?.stamps.files[path] && stats.ctimeMs < trustedMs;
    tree[path] = (isSame ? before?.tree(path) : undefined) ?? describe(join(folder, path), stats);
  }
  return { tree, stamps: { takenMs, files } };
}

/** Copies a recipe as it is, owners too if this user may; KIWI works on the copy. */
export function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  const folders: { readonly path: string; readonly stats: Stats }[] = [];
  for (const { path, stats } of walk(from)) {
    const [source, target] = [join(from, path), join(to, path)];
    if (stats.isDirectory()) {
      mkdirSync(target);
      folders.push({ path: target, stats });
    } else if (stats.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else copyFileSync(source, target);
    if (process.getuid?.() === 0) lchownSync(target, stats.uid, stats.gid);
    if (stats.isFile()) chmodSync(target, stats.mode & 0o7777);
    if (stats.isSymbolicLink()) lutimesSync(target, stats.atime, stats.mtime);
    else if (stats.isFile()) utimesSync(target, stats.atime, stats.mtime);
  }
  // Writing into a folder changes its time, so folders come last.
  for (const { path, stats } of folders.toReversed()) {
    chmodSync(path, stats.mode & 0o7777);
    utimesSync(path, stats.atime, stats.mtime);
  }
}

/** Folders before what is in them, sorted. */
function* walk(folder: string, below = ""): Generator<{ readonly path: string; readonly stats: Stats }> {
  for (const name of readdirSync(join(folder, below)).sort()) {
    if (below === "" && skipped.has(name)) continue;
    const path = below === "" ? name : `${below}/${name}`;
    const stats = lstatSync(join(folder, path));
    if (!stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink()) throw recipeFileSpecial(join(folder, path));
    yield { path, stats };
    if (stats.isDirectory()) yield* walk(folder, path);
  }
}

function describe(path: string, stats: Stats): string {
  if (stats.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  if (stats.isDirectory()) return `folder ${mode}`;
  return `file ${mode} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
