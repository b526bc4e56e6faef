/** Which task makes the file that another reads: edges and clashes found from declared paths. Pure; does not look at the disk. */
import { posix } from "node:path";
import picomatch from "picomatch";
import type { BtError, Site } from "./errors.ts";
import { outputOutside, outputTwice } from "./errors/graph.ts";
import type { Edge, Node } from "./graph.ts";

/** Whether a path has glob characters. */
export function isGlob(path: string): boolean {
  return /[*?[\]{}]|[@!+]\(/.test(path);
}

/** What a declared output covers: one file, or a folder with all in it. */
export interface OutputPath {
  /** Without a trailing `/`. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** `dist/`, `dist/**` → the folder; `dist/*.js` → its folder; `dist/a` → the file. */
export function outputPath(declared: string): OutputPath {
  const path = declared.includes("..") || declared.includes("./") ? posix.normalize(declared) : declared;
  if (path.endsWith("/")) return { path: path.slice(0, -1), isFolder: true };
  return isGlob(path) ? { path: picomatch.scan(path).base, isFolder: true } : { path, isFolder: false };
}

/** Who writes what, over all tasks of the builderfile. */
export interface Writers {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
  readonly mistakes: readonly BtError[];
}

/** Collects the declared outputs; two writers of one path, and paths outside the project, are mistakes. */
export function collectWriters(nodes: Iterable<Node>): Writers {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  const mistakes: BtError[] = [];
  const sites = new Map<string, Site>();
  for (const node of nodes) {
    sites.set(node.id, node.task.site);
    for (const declared of node.outputs) {
      if (isGlob(declared) && !declared.endsWith("/**")) continue; // Shares its folder with others; only whole paths have one owner.
      const { path, isFolder } = outputPath(declared);
      if (node.task.external !== true && (path.startsWith("/") || path === ".." || path.startsWith("../"))) mistakes.push(outputOutside(node.id, path, node.task.site));
      const owner = (isFolder ? folders : files).get(path);
      if (owner !== undefined && owner !== node.id) mistakes.push(outputTwice(path, [owner, node.id], node.task.site));
      (isFolder ? folders : files).set(path, node.id);
    }
  }
  for (const [path, id] of folders.size === 0 ? [] : [...files, ...folders]) {
    const owner = parentsOf(path).map((folder) => folders.get(folder)).find((one) => one !== undefined && one !== id);
    if (owner !== undefined) mistakes.push(outputTwice(path, [owner, id], sites.get(id) ?? {}));
  }
  return { files, folders, mistakes };
}

/** `a/b/c` → `a/b`, `a`. */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) parents.push(path.slice(0, at));
  return parents;
}

/** Edges that the inputs of `nodes` imply: whoever reads what a task writes, needs it. */
export function inferEdges(nodes: Iterable<Node>, writers: Writers): { readonly from: string; readonly edge: Edge }[] {
  const found: { from: string; edge: Edge }[] = [];
  for (const node of nodes) {
    const excluded = (node.inputs ?? []).filter((input) => input.startsWith("!")).map((input) => input.slice(1));
    for (const input of node.inputs ?? []) {
      if (input.startsWith("!")) continue;
      for (const to of writersOf(input.replace(/^\.\//, ""), excluded, writers)) {
        if (to !== node.id) found.push({ from: node.id, edge: { to, kind: "result", inferred: true } });
      }
    }
  }
  return found;
}

function writersOf(input: string, excluded: readonly string[], writers: Writers): Set<string> {
  const owners = new Set<string>();
  const file = writers.files.get(input);
  if (file !== undefined) owners.add(file);
  const base = isGlob(input) ? picomatch.scan(input).base : input;
  for (const folder of [base, ...parentsOf(base)]) {
    const owner = writers.folders.get(folder);
    if (owner !== undefined) owners.add(owner);
  }
  if (isGlob(input)) {
    const matches = picomatch(input, { dot: true, ignore: [...excluded] });
    for (const [path, owner] of writers.files) if ((base === "" || path.startsWith(`${base}/`)) && matches(path)) owners.add(owner);
  }
  return owners;
}
