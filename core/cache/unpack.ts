/** Puts a kept result in place: made beside and proven, then renamed, then compared with what was promised. Does not know where the bytes come from. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { CachedOutput, CachedResult } from "../cache-store.ts";
import { findStat, hasCode, hashText, makeFolder, type FileFact } from "../files.ts";
import { removePath } from "../remove.ts";
import type { Node } from "../graph.ts";
import { checkOutputs, describeEachOutput, prepareOutputs } from "../outputs.ts";
import { isGlob, outputPath } from "../paths.ts";
import { viewDisk, type Layer } from "../view.ts";
import picomatch from "picomatch";
import type { Wanted } from "./land.ts";

/**
 * Whether a result is one that this task could have made: a cache that others write may say anything.
 * Undefined: it is; else what is wrong.
 */
export function findStranger(node: Node, { outputs }: CachedResult): string | undefined {
  const closed = new Set<string>(); // What nothing can lie in.
  const covers = node.outputs.map(createCover);
  let parent = ""; // Of the path before: looked at already, as what it lies in comes before it.
  for (const { path: file, kind } of [...outputs].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (oddPath.test(file)) return `a path "${file}"`;
    if (!covers.some((isCovered) => isCovered(file))) return `"${file}", which is no output of the task`;
    const folder = folderOf(file);
    if (folder !== parent && foldersOf(file).some((above) => closed.has(above))) return `"${file}" inside a file`;
    if (closed.has(file)) return `"${file}" twice`;
    parent = folder;
    if (kind !== "folder") closed.add(file);
  }
  return undefined;
}

/** Parts that are empty or lead elsewhere, and what ends a name for the system. */
const oddPath = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/** Empty for the root. */
function folderOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf("/")));
}

/** All folders that a path lies in, the innermost first. */
function foldersOf(file: string): readonly string[] {
  const folder = folderOf(file);
  return folder === "" ? [] : [folder, ...foldersOf(folder)];
}

/** Tells what a declared output covers. */
function createCover(declared: string): (file: string) => boolean {
  if (isGlob(declared) && !declared.endsWith("/**")) return picomatch(declared.replace(/^\.\//, ""), { dot: true });
  const wanted = outputPath(declared).path.replace(/^\.\//, "");
  return (file) => file === wanted || file.startsWith(`${wanted}/`);
}

/** Makes all folders and links below `folder`, as they are to be below the root. Returns the files that belong there. */
export function makeFrame(outputs: readonly CachedOutput[], folder: string): readonly Wanted[] {
  const made = new Set<string>();
  return outputs.flatMap(({ path: relative, kind, mode, blob, target }) => {
    const to = `${folder}/${relative}`;
    const parent = folderOf(to);
    if (!made.has(parent)) makeFolder(parent);
    made.add(parent);
    if (kind === "folder") makeFolder(to);
    else if (kind === "link") fs.symlinkSync(target ?? "", to);
    return kind === "file" && blob !== undefined ? [{ blob, to, mode }] : [];
  });
}

/** Renames what was made into the project, in the place of what an earlier run left there. Returns what is there now. */
export function placeOutputs(
  { root, node, inputs }: { readonly root: string; readonly node: Node; readonly inputs: readonly string[] },
  outputs: readonly CachedOutput[],
  folder: string,
): readonly FileFact[] {
  prepareOutputs(root, node, inputs);
  const kinds = new Map(outputs.map((output) => [output.path, output]));
  const isWhole = (relative: string): boolean => kinds.has(relative); // Nothing else has been in it.
  const whole = new Set<string>();
  const place = (relative: string): void => {
    for (const name of fs.readdirSync(path.join(folder, relative))) {
      const file = relative === "" ? name : `${relative}/${name}`;
      const to = path.join(root, file);
      const isFolder = findStat(path.join(folder, file))?.isDirectory() === true;
      if (isFolder && !isWhole(file)) makeFolder(to);
      if (!isFolder || isWhole(file)) {
        const move = tryMove(path.join(folder, file), to);
        if (move === "renamed") whole.add(file);
        if (move !== "blocked") continue;
        makeFolder(to);
      }
      place(file);
    }
  };
  place("");
  // A folder that may not be written gets its mode when all is in it, and it is where it belongs.
  for (const { path: relative, kind, mode } of [...outputs].reverse())
    if (kind === "folder") fs.chmodSync(path.join(root, relative), mode);
  return describePlaced(root, node, { outputs, whole });
}

/** `blocked`: it is a folder, and there is one with something in it. */
function tryMove(from: string, to: string): "renamed" | "copied" | "blocked" {
  try {
    fs.renameSync(from, to);
    return "renamed";
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST")) return "blocked";
    if (!hasCode(error, "EXDEV")) throw error;
  }
  // The output lies on another file system: beside it, then renamed.
  const beside = path.join(path.dirname(to), `.${path.basename(to)}.bt-${process.pid}`);
  try {
    fs.cpSync(from, beside, { recursive: true, verbatimSymlinks: true, mode: fs.constants.COPYFILE_FICLONE });
    removePath(to);
    fs.renameSync(beside, to);
  } finally {
    removePath(beside);
  }
  return "copied";
}

/**
 * Every path's size, mode and kind are compared, but in folders that came as a whole from where they were made; the content was proven when it
 * was written. @throws Error, BtError OUTPUT_MISSING
 */
function describePlaced(
  root: string,
  node: Node,
  { outputs, whole }: { readonly outputs: readonly CachedOutput[]; readonly whole: ReadonlySet<string> },
): readonly FileFact[] {
  const placed = new Map<string, FileFact>();
  for (const output of outputs) {
    const { path: relative, kind } = output;
    const isWhole = foldersOf(relative).some((folder) => whole.has(folder));
    if (!isWhole && !isPlaced(path.join(root, relative), output))
      throw new Error(`"${relative}" is not what was restored`);
    if (kind !== "folder") placed.set(relative, factOf(output));
  }
  const disk = viewDisk(root, placed);
  const facts = describeEachOutput(node, { ...disk, describe: (file) => placed.get(file) ?? disk.describe(file) });
  checkOutputs(root, node, facts);
  const odd = facts.find(({ path: file, kind }) => kind !== "folder" && !placed.has(file));
  if (odd !== undefined && node.task.clean !== "keep") throw new Error(`"${odd.path}" is not what was restored`);
  return facts;
}

/** Without a signature: it is not there yet, or too young for its times to be trusted. */
function factOf({ path: file, kind, mode, blob, target }: CachedOutput): FileFact {
  switch (kind) {
    case "folder":
      return { path: file, kind, digest: "" };
    case "link":
      return { path: file, kind, digest: hashText(target ?? "") };
    case "file":
      return { path: file, kind: (mode & 0o111) === 0 ? "file" : "exec", digest: blob?.digest ?? "" };
  }
}

/** What restoring would put in place, where nothing is yet. */
export function createLayer(outputs: readonly CachedOutput[]): Layer {
  const layer = new Map<string, FileFact>();
  for (const output of outputs) {
    for (const folder of foldersOf(output.path))
      if (!layer.has(folder)) layer.set(folder, { path: folder, kind: "folder", digest: "" });
    layer.set(output.path, factOf(output));
  }
  return layer;
}

function isPlaced(file: string, { kind, mode, blob }: CachedOutput): boolean {
  const stat = findStat(file);
  if (kind === "folder") return stat?.isDirectory() === true;
  if (kind === "link") return stat?.isSymbolicLink() === true;
  return stat?.isFile() === true && stat.size === blob?.size && (stat.mode & 0o7777) === mode;
}
