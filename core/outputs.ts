/** The files a task makes: cleaned before, found and described after, removed when they are half made. Does not know why a task runs. */
import * as path from "node:path";
import { outputMissing } from "./errors/run.ts";
import {
  expandPaths,
  findStat,
  isFolder as isRealFolder,
  makeFolder,
  signatureOf,
  type FileFact,
  type FileMemo,
} from "./files.ts";
import { removePath } from "./remove.ts";
import type { Node } from "./graph.ts";
import { isGlob, outputPath } from "./paths.ts";
import { viewDisk, type View } from "./view.ts";

/** What the declared outputs hold now, sorted; a folder stands for the files in it, an empty or missing one for itself. */
export function describeOutputs(root: string, node: Node, memo: FileMemo): readonly FileFact[] {
  return describeEachOutput(node, viewDisk(root, memo));
}

/** The same, for who knows better what a path holds. */
export function describeEachOutput(node: Node, { describe, expand }: View): readonly FileFact[] {
  if (!node.outputs.some((output) => isGlob(output) || output.endsWith("/"))) {
    const facts = node.outputs.map((output) => describe(output.replace(/^\.\//, "")));
    if (!facts.some(({ kind }) => kind === "folder")) return facts.sort((a, b) => (a.path < b.path ? -1 : 1));
  }
  return expandOutputs(node, expand).map(describe);
}

function expandOutputs(node: Node, expand: View["expand"]): readonly string[] {
  const patterns = node.outputs.map((output) => (output.endsWith("/") ? `${output}**` : output));
  const found = expand(patterns);
  const folders = node.outputs.filter((output) => !isGlob(output)).map((output) => outputPath(output).path);
  const empty = folders.filter((folder) => !found.some((file) => file === folder || file.startsWith(`${folder}/`)));
  return [...new Set([...found, ...empty])].sort();
}

/** @throws BtError OUTPUT_MISSING when a declared output is not there, or a folder is a file */
export function checkOutputs(root: string, node: Node, facts: readonly FileFact[]): void {
  const missing = findMissingOutput(root, node, facts);
  if (missing !== undefined) throw outputMissing(node.id, missing);
}

/** The first declared output that is not there. */
export function findMissingOutput(root: string, node: Node, facts: readonly FileFact[]): string | undefined {
  return node.outputs.find((declared) => {
    const { path: wanted, isFolder } = outputPath(declared);
    const isPattern = isGlob(declared) && !declared.endsWith("/**");
    const isThere = facts.some(
      (fact) => (fact.path === wanted && fact.kind !== "missing") || fact.path.startsWith(`${wanted}/`),
    );
    return !(isFolder && !isPattern ? isRealFolder(path.resolve(root, wanted)) : isThere);
  });
}

/** Removes what an earlier run has made, and makes the folders that the outputs go into. A folder that holds inputs is left alone. */
export function prepareOutputs(root: string, node: Node, inputs: readonly string[]): void {
  if (node.task.clean !== "keep") removeOutputs(root, node, { inputs, isDry: false, isOwn: () => true });
  for (const declared of node.outputs) {
    const { path: wanted, isFolder } = outputPath(declared);
    makeFolder(path.resolve(root, isFolder ? wanted : path.dirname(wanted)));
  }
}

/** Removes the declared outputs, but no folder that holds inputs. Returns whether anything was there. */
export function removeOutputs(
  root: string,
  node: Node,
  {
    inputs,
    isDry,
    isOwn = isInside,
  }: {
    readonly inputs: readonly string[];
    /** Only looks. */
    readonly isDry: boolean;
    /** What may be removed. Default: what lies in the project. */
    readonly isOwn?: (file: string) => boolean;
  },
): boolean {
  let isFound = false;
  const remove = (file: string): void => {
    const absolute = path.resolve(root, file);
    if (!isOwn(file) || findStat(absolute) === undefined) return;
    isFound = true;
    if (!isDry) removePath(absolute);
  };
  for (const declared of node.outputs) {
    const { path: wanted } = outputPath(declared);
    if (inputs.some((input) => input === wanted || input.startsWith(`${wanted}/`))) continue;
    if (isGlob(declared) && !declared.endsWith("/**")) expandPaths(root, [declared], isGlob).forEach(remove);
    else if (wanted !== "" && wanted !== ".") remove(wanted);
  }
  return isFound;
}

function isInside(file: string): boolean {
  return !path.isAbsolute(file) && file !== ".." && !file.startsWith("../");
}

/** Signatures of the outputs, to tell later what a failed run has touched. */
export function signOutputs(root: string, node: Node): ReadonlyMap<string, string> {
  const signed = new Map<string, string>();
  for (const file of expandOutputs(node, viewDisk(root, new Map()).expand)) {
    const stat = findStat(path.resolve(root, file));
    if (stat !== undefined) signed.set(file, signatureOf(stat));
  }
  return signed;
}

/** Removes the outputs that a failed run has made or changed since they were signed. */
export function dropTouched(root: string, node: Node, signed: ReadonlyMap<string, string>): void {
  for (const [file, signature] of signOutputs(root, node)) {
    const isFolder = findStat(path.resolve(root, file))?.isDirectory() === true;
    if (!isFolder && signed.get(file) !== signature) removePath(path.resolve(root, file));
  }
}
