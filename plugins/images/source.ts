/** Finds what the sources of COPY and ADD name in a tree: patterns, links, and what may not be read. Does not know destinations. */
import type { Place } from "../../core/index.ts";
import type { Context } from "./context.ts";
import { linkDangling, linkLoop, sourceIgnored, sourceMissing, sourceOutside } from "./errors.ts";
import { compilePattern, isPattern } from "./pattern.ts";
import { joinPath, nameOf, parentOf, resolvePath, splitPath, type Node, type Tree } from "./tree.ts";

/** One file or folder that a source names. */
export interface Found {
  /** The name it keeps in a destination folder; "" for the root. */
  readonly name: string;
  /** Where it is, links followed. */
  readonly path: string;
  readonly node: Exclude<Node, { readonly kind: "link" }>;
}

/**
 * Everything a source names, sorted; a link is followed to what it names.
 * @throws BtError IMAGES_SOURCE_MISSING, IMAGES_SOURCE_IGNORED, IMAGES_SOURCE_OUTSIDE, IMAGES_LINK_DANGLING, IMAGES_LINK_LOOP
 */
export async function findSources(tree: Tree, source: string, at: Place): Promise<readonly Found[]> {
  const names = cleanNames(tree, source, at);
  const found: Found[] = [];
  for (const path of await matchNames(tree, names, at)) {
    const end = await resolvePath(tree, path, { last: "follow" });
    if (end.kind === "outside") throw sourceOutside(at, source, end);
    if (end.kind === "loop") throw linkLoop(at, end.link, tree.label);
    // The node behind a followed path is no link.
    if (end.kind === "found") found.push({ name: nameOf(path), path: end.path, node: end.node as Found["node"] });
  }
  if (found.length > 0) return found;
  throw await explainMissing(tree, { source, path: names.join("/"), at });
}

/** The names of a source; `..` is obeyed by name, as Go's filepath.Clean does. @throws BtError IMAGES_SOURCE_OUTSIDE */
export function cleanNames(tree: Tree, source: string, at: Place): readonly string[] {
  const names: string[] = [];
  for (const name of splitPath(source)) {
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined && !tree.isRoot) throw sourceOutside(at, source);
  }
  return names;
}

/** Paths that the patterns match; a path without patterns is given back whether it exists or not. */
async function matchNames(tree: Tree, names: readonly string[], at: Place): Promise<readonly string[]> {
  let paths: readonly string[] = [""];
  for (const name of names) {
    if (!isPattern(name)) {
      paths = paths.map((path) => joinPath(path, name));
      continue;
    }
    const pattern = compilePattern(name);
    const matched: string[] = [];
    for (const path of paths) {
      const folder = await resolvePath(tree, path, { last: "follow" });
      if (folder.kind === "outside") throw sourceOutside(at, path, folder);
      if (folder.kind !== "found" || pattern === undefined) continue;
      for (const child of await tree.list(folder.path)) if (pattern.test(child)) matched.push(joinPath(path, child));
    }
    paths = matched;
  }
  return paths;
}

async function explainMissing(
  tree: Tree,
  missing: { readonly source: string; readonly path: string; readonly at: Place },
): Promise<Error> {
  const { source, path, at } = missing;
  const file = "ignoredBy" in tree ? await (tree as Context).ignoredBy(path) : undefined;
  if (file !== undefined) return sourceIgnored(at, path, file);
  const end = await resolvePath(tree, path, { last: "keep" });
  if (end.kind === "found" && end.node.kind === "link")
    return linkDangling(at, { source, label: tree.label, target: end.node.target });
  const folder = await resolvePath(tree, parentOf(path), { last: "follow" });
  const siblings = folder.kind === "found" ? await tree.list(folder.path) : [];
  return sourceMissing(at, { source, label: tree.label, siblings });
}
