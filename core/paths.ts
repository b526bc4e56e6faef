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

/** Tells of paths whether they are what is declared as outputs, or lie in it. `dist/*.js` is no more than what it matches. */
export function coverOutputs(outputs: readonly string[]): (path: string) => boolean {
  const whole = outputs.filter((declared) => !isShared(declared)).map((declared) => outputPath(declared).path);
  const globs = outputs.filter(isShared).map((declared) => declared.replace(/^\.\//, ""));
  const isMatch = picomatch(globs, { dot: true });
  return (path) =>
    whole.some((output) => output === "." || path === output || path.startsWith(`${output}/`)) || isMatch(path);
}

/** Of a pattern that shares its folder with others; only whole paths have one owner. */
function isShared(declared: string): boolean {
  return isGlob(declared) && !declared.endsWith("/**");
}

/** Who writes what, over all tasks of the builderfile. */
export interface Writers {
  readonly files: ReadonlyMap<string, string>;
  readonly folders: ReadonlyMap<string, string>;
  /** Outputs with glob characters, by the folder that they start from. */
  readonly patterns: ReadonlyMap<string, readonly { readonly pattern: string; readonly owner: string }[]>;
  /** Owners of all that is written below a folder. Made at the first call. */
  readonly below: () => ReadonlyMap<string, ReadonlySet<string>>;
  readonly mistakes: readonly BtError[];
}

/** Collects the declared outputs; two writers of one path, and paths outside the project, are mistakes. */
export function collectWriters(nodes: Iterable<Node>): Writers {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  const patterns = new Map<string, { pattern: string; owner: string }[]>();
  const mistakes: BtError[] = [];
  const sites = new Map<string, Site>();
  for (const node of nodes) {
    sites.set(node.id, node.task.site);
    for (const declared of node.outputs) {
      const { path, isFolder } = outputPath(declared);
      if (isShared(declared)) {
        patterns.set(path, [...(patterns.get(path) ?? []), { pattern: declared.replace(/^\.\//, ""), owner: node.id }]);
        continue;
      }
      if (node.task.external !== true && isOutside(path)) mistakes.push(outputOutside(node.id, path, node.task.site));
      const owner = (isFolder ? folders : files).get(path);
      if (owner !== undefined && owner !== node.id) mistakes.push(outputTwice(path, [owner, node.id], node.task.site));
      (isFolder ? folders : files).set(path, node.id);
    }
  }
  for (const [path, id] of folders.size === 0 ? [] : [...files, ...folders]) {
    const owner = parentsOf(path)
      .map((folder) => folders.get(folder))
      .find((one) => one !== undefined && one !== id);
    if (owner !== undefined) mistakes.push(outputTwice(path, [owner, id], sites.get(id) ?? {}));
  }
  let below: ReadonlyMap<string, ReadonlySet<string>> | undefined;
  return { files, folders, patterns, below: () => (below ??= collectBelow([...files, ...folders])), mistakes };
}

function isOutside(path: string): boolean {
  return path.startsWith("/") || path === ".." || path.startsWith("../");
}

function collectBelow(
  written: readonly (readonly [path: string, owner: string])[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const below = new Map<string, Set<string>>();
  for (const [path, owner] of written) {
    for (const folder of parentsOf(path)) {
      const owners = below.get(folder);
      if (owners === undefined) below.set(folder, new Set([owner]));
      else owners.add(owner);
    }
  }
  return below;
}

/** `a/b/c` → `a/b`, `a`. */
export function parentsOf(path: string): string[] {
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
      const path = input.replace(/^\.\//, "");
      for (const to of isGlob(path)
        ? writersOfGlob(path, excluded, writers)
        : writersOfPath(path.replace(/\/+$/, ""), writers)) {
        if (to !== node.id) found.push({ from: node.id, edge: { to, kind: "result", inferred: true } });
      }
    }
  }
  return found;
}

/** Writers of a file or folder, of a folder around it, and of what is in it. */
function writersOfPath(input: string, writers: Writers): Set<string> {
  const owners = new Set<string>(writers.below().get(input));
  const file = writers.files.get(input);
  if (file !== undefined) owners.add(file);
  const parents = parentsOf(input);
  addFolders([input, ...parents], writers, owners);
  for (const folder of writers.patterns.size === 0 ? [] : [...parents, ""]) {
    for (const { pattern, owner } of writers.patterns.get(folder) ?? [])
      if (picomatch.isMatch(input, pattern, { dot: true })) owners.add(owner);
  }
  return owners;
}

/**
 * Writers of files that a glob matches, and of folders at, around or below the one that it starts from. A glob over the whole
 * project (`**`) needs nobody for what may come to lie in a folder: that would order all who read the sources behind each other.
 */
function writersOfGlob(input: string, excluded: readonly string[], writers: Writers): Set<string> {
  const owners = new Set<string>();
  const { base } = picomatch.scan(input);
  const options = { dot: true, ignore: [...excluded] };
  addFolders([base, ...parentsOf(base)], writers, owners);
  for (const { pattern, owner } of writers.patterns.get(base) ?? []) if (pattern === input) owners.add(owner);
  const matches = picomatch(input, options);
  for (const [path, owner] of writers.files)
    if ((base === "" || path.startsWith(`${base}/`)) && matches(path)) owners.add(owner);
  for (const [folder, owner] of base === "" ? [] : writers.folders) {
    if (
      folder.startsWith(`${base}/`) &&
      mayMatchBelow(input, folder) &&
      !picomatch.isMatch(`${folder}/x`, [...excluded], { dot: true })
    )
      owners.add(owner);
  }
  return owners;
}

function addFolders(folders: readonly string[], writers: Writers, owners: Set<string>): void {
  for (const folder of folders) {
    const owner = writers.folders.get(folder);
    if (owner !== undefined) owners.add(owner);
  }
}

/** Whether a glob can match something in a folder: its first parts match the folder's, and one is left, or `**` comes first. */
function mayMatchBelow(glob: string, folder: string): boolean {
  if (/\{[^}]*\//.test(glob)) return true; // Braces that hold a slash have no parts.
  const [parts, names] = [glob.split("/"), folder.split("/")];
  for (const [at, name] of names.entries()) {
    const part = parts[at];
    if (part === undefined || part === "**") return part !== undefined;
    if (!picomatch.isMatch(name, part, { dot: true })) return false;
  }
  return parts.length > names.length;
}
