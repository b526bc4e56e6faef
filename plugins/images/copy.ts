/** What one COPY or ADD puts where: decides targets, owners and permissions, and writes them into the image's tree. Does not write layers. */
import type { Place } from "../../core/index.ts";
import { sourceSpecial, targetFile, targetFolder, targetLoop, targetSlash } from "./errors.ts";
import { findRoot, putNode, type ImageTree } from "./layerfs.ts";
import type { Owner } from "./owner.ts";
import type { Found } from "./source.ts";
import {
  joinAbsolute,
  joinPath,
  nameOf,
  parentOf,
  resolvePath,
  splitPath,
  walkTree,
  type Node,
  type Owned,
  type Tree,
} from "./tree.ts";

/** One source, found: a file or folder of a tree, or an archive to unpack. */
export type CopySource =
  | { readonly kind: "found"; readonly tree: Tree; readonly found: Found }
  | { readonly kind: "archive"; readonly tree: ImageTree };

/** One COPY or ADD, everything looked up. */
export interface CopyRequest {
  readonly sources: readonly CopySource[];
  /** As written, variables replaced. */
  readonly target: string;
  /** The folder relative targets are in: `/work`. */
  readonly workdir: string;
  /** Absent: as in the source. */
  readonly owner?: Owner;
  /** Absent: as in the source. */
  readonly mode?: number;
  readonly at: Place;
}

/** What an instruction has written, by path without leading `/`. */
export type Written = Map<string, Node>;

/**
 * Writes the sources into the tree and returns what was written: the content of the layer.
 * @throws BtError IMAGES_TARGET_…, IMAGES_SOURCE_SPECIAL
 */
export async function copyInto(image: ImageTree, request: CopyRequest): Promise<Written> {
  const written: Written = new Map();
  const copy: Copying = { image, request, written };
  const absolute = joinAbsolute(request.workdir, request.target);
  const asFolder = await mustBeFolder(image, absolute, request);
  for (const source of request.sources) {
    if (source.kind === "archive") await unpack(copy, source.tree, absolute);
    else if (source.found.node.kind === "folder") {
      await copyTree(copy, {
        tree: source.tree,
        folder: source.found.path,
        target: absolute,
        dress: (node) => dress(node, request),
      });
    } else await copyFile(copy, { ...source.found, tree: source.tree, target: absolute, asFolder });
  }
  return written;
}

/** Makes a folder and its missing parents: what WORKDIR needs. Nothing is written when it is there. */
export async function makeFolder(
  image: ImageTree,
  path: string,
  options: { readonly owner?: Owner; readonly at: Place },
): Promise<Written> {
  const written: Written = new Map();
  const request: CopyRequest = { sources: [], target: path, workdir: "/", ...options };
  await openTarget({ image, request, written }, path);
  return written;
}

interface Copying {
  readonly image: ImageTree;
  readonly request: CopyRequest;
  readonly written: Written;
}

async function mustBeFolder(
  image: ImageTree,
  absolute: string,
  { sources, target, at }: CopyRequest,
): Promise<boolean> {
  if (/(^|\/)\.{0,2}$/.test(target)) return true;
  const end = await resolvePath(image, absolute, { last: "follow" });
  if (end.kind === "found" && end.node.kind === "folder") return true;
  if (sources.length > 1 && sources.some((source) => source.kind === "found" && source.found.node.kind !== "folder"))
    throw targetSlash(at, target, sources.length);
  return false;
}

/** Owners and permissions are those of the archive, also for the target when the archive has an entry for its root. */
async function unpack(copy: Copying, tree: ImageTree, target: string): Promise<void> {
  const root = findRoot(tree);
  if (root !== undefined) await put(copy, await openTarget(copy, target), root);
  await copyTree(copy, { tree, folder: "", target, dress: (node) => node });
}

interface TreeCopy {
  readonly tree: Tree;
  readonly folder: string;
  readonly target: string;
  readonly dress: (node: Node) => Node;
}

async function copyTree(copy: Copying, { tree, folder, target, dress: change }: TreeCopy): Promise<void> {
  // Where the folders of the source went: a link to a folder in the image stays, and is followed.
  const places = new Map([["", await openTarget(copy, target)]]);
  for await (const [path, node] of walkTree(tree, folder)) {
    if (node.kind === "special" && node.type === "socket") continue;
    checkSpecial(copy, tree, { path: joinPath(folder, path), node });
    const here = joinPath(places.get(parentOf(path)) ?? "", nameOf(path));
    if (node.kind === "folder") places.set(path, await putFolder(copy, here, change(node)));
    else await put(copy, here, change(node));
  }
}

async function copyFile(
  copy: Copying,
  file: Found & { readonly tree: Tree; readonly target: string; readonly asFolder: boolean },
): Promise<void> {
  const { image, request } = copy;
  checkSpecial(copy, file.tree, file);
  const path = file.asFolder
    ? joinPath(await openTarget(copy, file.target), file.name)
    : await openFile(copy, file.target);
  const before = await image.find(path);
  if (before?.kind === "folder") throw targetFolder(request.at, path);
  await put(copy, path, dress(file.node, request));
}

/** The place of a file, its folder made; a link at the end is replaced, not followed. */
async function openFile(copy: Copying, target: string): Promise<string> {
  const names = splitPath(target);
  const name = names.pop() ?? "";
  return joinPath(await openTarget(copy, `/${names.join("/")}`), name);
}

/** The place of a folder, links followed, made if it is missing. */
async function openTarget({ image, request, written }: Copying, target: string): Promise<string> {
  const end = await resolvePath(image, target, { last: "follow" });
  switch (end.kind) {
    case "found":
      if (end.node.kind !== "folder") throw targetFile(request.at, end.path);
      return end.path;
    case "not-a-folder":
      throw targetFile(request.at, end.path);
    case "loop":
    case "outside":
      throw targetLoop(request.at, end.link);
    case "missing": {
      const { uid, gid } = request.owner ?? { uid: 0, gid: 0 };
      const names = splitPath(end.path);
      for (let i = 1; i <= names.length; i++) {
        const path = names.slice(0, i).join("/");
        if ((await image.find(path)) !== undefined) continue;
        const node: Node = { kind: "folder", mode: 0o755, uid, gid };
        putNode(image, path, node);
        written.set(path, node);
      }
      return end.path;
    }
  }
}

async function putFolder(copy: Copying, path: string, node: Node): Promise<string> {
  const end = await resolvePath(copy.image, path, { last: "follow" });
  const before = await copy.image.find(path);
  if (before?.kind === "link" && end.kind === "found" && end.node.kind === "folder") return end.path;
  if (before?.kind === "file") throw targetFile(copy.request.at, path);
  await put(copy, path, node);
  return path;
}

async function put({ image, written, request }: Copying, path: string, node: Node): Promise<void> {
  if (node.kind !== "folder" && (await image.find(path))?.kind === "folder") throw targetFolder(request.at, path);
  putNode(image, path, node);
  written.set(path, node);
}

function dress(node: Node, { owner, mode }: CopyRequest): Node {
  const owned: Owned = {
    uid: owner?.uid ?? node.uid,
    gid: owner?.gid ?? node.gid,
    mode: node.kind === "link" ? node.mode : (mode ?? node.mode),
  };
  return { ...node, ...owned };
}

/** Devices of an image are kept; those of a context belong to this machine. */
function checkSpecial(
  { request }: Copying,
  tree: Tree,
  { path, node }: { readonly path: string; readonly node: Node },
): void {
  if (node.kind === "special" && !tree.isRoot) throw sourceSpecial(request.at, path, node.type.replace("-", " "));
}
