/** Files that globs name, as far as git tracks them. Reads git's index itself: planning starts no process. Does not know images. */
import * as fs from "node:fs";
import * as path from "node:path";
import picomatch from "picomatch";

/** Relative to the root, sorted. Without git, or with an index of an unknown form, every file counts as tracked. */
export function findTracked(root: string, globs: readonly string[]): readonly string[] {
  if (globs.length === 0) return [];
  const all = listTracked(root) ?? globs.flatMap((glob) => walk(root, staticFolder(glob)));
  return [...new Set(all.filter(createFilter(globs)))].filter((file) => isFile(path.join(root, file))).sort();
}

/** Which files the globs mean: a folder's name means all in it, `!` excludes. */
export function createFilter(globs: readonly string[]): (file: string) => boolean {
  const match = (some: readonly string[]): ((file: string) => boolean) => {
    const names = some.map((glob) => glob.replace(/^\.\//, "").replace(/\/+$/, ""));
    return picomatch(
      names.flatMap((name) => [name, `${name}/**`]),
      { dot: true },
    );
  };
  const isWanted = match(globs.filter((glob) => !glob.startsWith("!")));
  const isExcluded = match(globs.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1)));
  return (file) => isWanted(file) && !isExcluded(file);
}

/** Undefined: there is no git, or its index is of a form that is not known here. */
function listTracked(root: string): readonly string[] | undefined {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const git = path.join(folder, ".git");
    if (fs.existsSync(git)) {
      const index = findBytes(path.join(gitFolder(git), "index"));
      const files = index === undefined ? undefined : parseIndex(index);
      const prefix = path.relative(folder, root);
      return files?.flatMap((file) =>
        prefix === "" ? [file] : file.startsWith(`${prefix}/`) ? [file.slice(prefix.length + 1)] : [],
      );
    }
    if (path.dirname(folder) === folder) return undefined;
  }
}

/** A work tree has a file that names the folder. */
function gitFolder(git: string): string {
  if (fs.statSync(git).isDirectory()) return git;
  const [, folder = ""] = /^gitdir: (.*)$/m.exec(fs.readFileSync(git, "utf8")) ?? [];
  return path.resolve(path.dirname(git), folder);
}

/** Versions 2 to 4 with SHA-1; a split index is not read. */
function parseIndex(index: Buffer): readonly string[] | undefined {
  if (index.toString("latin1", 0, 4) !== "DIRC") return undefined;
  const version = index.readUInt32BE(4);
  const count = index.readUInt32BE(8);
  if (version < 2 || version > 4 || index.includes("link\0", 12)) return undefined;
  const files: string[] = [];
  let at = 12;
  for (let n = 0; n < count; n++) {
    const start = at;
    const isExtended = version > 2 && (index.readUInt16BE(at + 60) & 0x4000) !== 0;
    at += isExtended ? 64 : 62;
    let kept = "";
    if (version === 4) {
      const { value, end } = readVarint(index, at);
      kept = (files.at(-1) ?? "").slice(0, Math.max(0, (files.at(-1) ?? "").length - value));
      at = end;
    }
    const stop = index.indexOf(0, at);
    if (stop === -1) return undefined;
    files.push(kept + index.toString(version === 4 ? "latin1" : "utf8", at, stop));
    at = version === 4 ? stop + 1 : start + Math.ceil((stop - start + 1) / 8) * 8;
  }
  return version === 4 ? files.map((file) => Buffer.from(file, "latin1").toString("utf8")) : files;
}

/** Git's offset encoding: each further byte adds one before it shifts. */
function readVarint(bytes: Buffer, from: number): { readonly value: number; readonly end: number } {
  let at = from;
  let byte = bytes[at++] ?? 0;
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = bytes[at++] ?? 0;
    value = ((value + 1) << 7) | (byte & 0x7f);
  }
  return { value, end: at };
}

/** The folder above the first part of a glob that is one. */
function staticFolder(glob: string): string {
  const parts = glob.replace(/^!/, "").split("/");
  const first = parts.findIndex((part) => /[*?[{]/.test(part));
  return first === -1 ? glob.replace(/^!/, "") : parts.slice(0, first).join("/");
}

function walk(root: string, folder: string): readonly string[] {
  const from = path.join(root, folder);
  if (isFile(from)) return [folder];
  if (!fs.existsSync(from)) return [];
  const names = fs.readdirSync(from, { recursive: true, encoding: "utf8" });
  return names.map((name) => path.posix.join(folder, name)).filter((name) => !/(^|\/)\.git(\/|$)/.test(name));
}

function isFile(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat !== undefined && !stat.isDirectory();
}

function findBytes(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}
