/** Puts a kept result in place: made beside and proven, then renamed, then compared with what was promised. Does not know where the bytes come from. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { Blob, CachedOutput, CachedResult } from "../cache-store.ts";
import { findStat, hasCode, hashText, makeFolder, removePath, signatureOf, type FileFact } from "../files.ts";
import type { Node } from "../graph.ts";
import { checkOutputs, describeOutputs, prepareOutputs } from "../outputs.ts";
import { isGlob, outputPath } from "../paths.ts";
import picomatch from "picomatch";

/** Puts one blob's proven bytes into a new file. */
export type Land = (blob: Blob, to: string, mode: number) => Promise<void>;

/**
 * Whether a result is one that this task could have made: a cache that others write may say anything.
 * Undefined: it is; else what is wrong.
 */
export function findStranger(node: Node, { outputs }: CachedResult): string | undefined {
  const closed = new Set<string>(); // What nothing can lie in.
  for (const { path: file, kind } of [...outputs].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (file.split("/").some((part) => part === "" || part === "." || part === "..") || file.includes("\0"))
      return `a path "${file}"`;
    if (!node.outputs.some((declared) => isCovered(file, declared))) return `"${file}", which is no output of the task`;
    const parts = file.split("/");
    if (parts.some((_, at) => closed.has(parts.slice(0, at).join("/")))) return `"${file}" inside a file`;
    if (closed.has(file)) return `"${file}" twice`;
    if (kind !== "folder") closed.add(file);
  }
  return undefined;
}

function isCovered(file: string, declared: string): boolean {
  const { path: own } = outputPath(declared);
  if (isGlob(declared) && !declared.endsWith("/**"))
    return picomatch.isMatch(file, declared.replace(/^\.\//, ""), { dot: true });
  const wanted = own.replace(/^\.\//, "");
  return file === wanted || file.startsWith(`${wanted}/`);
}

/** Makes all outputs below `folder`, as they are to be below the root. @throws what `land` throws; nothing outside of `folder` has changed */
export async function makeOutputs(outputs: readonly CachedOutput[], folder: string, land: Land): Promise<void> {
  const made = new Set<string>();
  const parentOf = (file: string): void => {
    const parent = path.dirname(file);
    if (made.has(parent)) return;
    makeFolder(parent);
    made.add(parent);
  };
  for (const { path: relative, kind, mode, blob, target } of outputs) {
    const file = path.join(folder, relative);
    parentOf(file);
    if (kind === "folder") makeFolder(file);
    else if (kind === "link") fs.symlinkSync(target ?? "", file);
    else if (blob !== undefined) await land(blob, file, mode);
  }
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
  const place = (relative: string): void => {
    for (const name of fs.readdirSync(path.join(folder, relative))) {
      const file = relative === "" ? name : `${relative}/${name}`;
      const to = path.join(root, file);
      const isFolder = findStat(path.join(folder, file))?.isDirectory() === true;
      if (isFolder && !isWhole(file)) makeFolder(to);
      if (!isFolder || isWhole(file)) {
        if (tryMove(path.join(folder, file), to)) continue;
        makeFolder(to);
      }
      place(file);
    }
  };
  place("");
  // A folder that may not be written gets its mode when all is in it, and it is where it belongs.
  for (const { path: relative, kind, mode } of [...outputs].reverse())
    if (kind === "folder") fs.chmodSync(path.join(root, relative), mode);
  return describePlaced(root, node, outputs);
}

/** False: it is a folder, and there is one with something in it. */
function tryMove(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOTEMPTY") || hasCode(error, "EEXIST")) return false;
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
  return true;
}

/** Every path's size, mode and kind are compared; the content was proven when it was written. @throws Error, BtError OUTPUT_MISSING */
function describePlaced(root: string, node: Node, outputs: readonly CachedOutput[]): readonly FileFact[] {
  const memo = new Map<string, FileFact>();
  for (const { path: relative, kind, mode, blob, target } of outputs) {
    const stat = findStat(path.join(root, relative));
    const isRight =
      stat !== undefined &&
      (kind === "folder"
        ? stat.isDirectory()
        : kind === "link"
          ? stat.isSymbolicLink()
          : stat.isFile() && stat.size === blob?.size && (stat.mode & 0o7777) === mode);
    if (!isRight) throw new Error(`"${relative}" is not what was restored`);
    if (kind === "folder") continue;
    const digest = kind === "link" ? hashText(target ?? "") : (blob?.digest ?? "");
    const fileKind = kind === "link" ? "link" : (mode & 0o111) === 0 ? "file" : "exec";
    memo.set(relative, { path: relative, kind: fileKind, digest, signature: signatureOf(stat) });
  }
  const facts = describeOutputs(root, node, memo);
  checkOutputs(root, node, facts);
  const odd = facts.find(({ path: file, kind }) => kind !== "folder" && memo.get(file) === undefined);
  if (odd !== undefined && node.task.clean !== "keep") throw new Error(`"${odd.path}" is not what was restored`);
  // Too young for its times to be trusted.
  return facts.map((fact) =>
    memo.get(fact.path) === fact ? { path: fact.path, kind: fact.kind, digest: fact.digest } : fact,
  );
}
