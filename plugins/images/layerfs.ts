/** The files of an image as a tree: tar layers on top of each other, whiteouts obeyed. Does not know manifests, or who copies. */
import { readTar, type TarHeader } from "./tar.ts";
import { joinPath, parentOf, splitPath, type FolderNode, type Node, type TarSource, type Tree } from "./tree.ts";

/** A tree that layers and instructions write into. */
export interface ImageTree extends Tree {
  readonly root: Folder;
}

interface Folder {
  node: FolderNode;
  readonly children: Map<string, Folder | Leaf>;
}

interface Leaf {
  readonly node: Exclude<Node, FolderNode>;
}

/** Folders that no entry describes. */
const impliedFolder: FolderNode = { kind: "folder", mode: 0o755, uid: 0, gid: 0 };
const whiteout = ".wh.";
const opaque = ".wh..wh..opq";

/** An empty tree, or one with the same files as another; writing into it leaves the other as it is. */
export function createImageTree(label: string, from?: ImageTree): ImageTree {
  const root = from === undefined ? createFolder() : cloneFolder(from.root);
  return {
    label,
    isRoot: true,
    root,
    find: async (path) => findItem(root, splitPath(path))?.node,
    list: async (path) => {
      const item = findItem(root, splitPath(path));
      return item !== undefined && "children" in item ? [...item.children.keys()].sort() : [];
    },
  };
}

/** What an entry said about the root itself. Undefined: no entry did. */
export function findRoot({ root }: ImageTree): FolderNode | undefined {
  return root.node === impliedFolder ? undefined : root.node;
}

/** Puts a node at a path. A folder on a folder keeps its children; missing parents become folders of root with mode 0755. */
export function putNode(tree: ImageTree, path: string, node: Node): void {
  const names = splitPath(path);
  const name = names.pop();
  if (name === undefined) {
    if (node.kind === "folder") tree.root.node = node;
    return;
  }
  const parent = openFolder(tree.root, names);
  const before = parent.children.get(name);
  if (node.kind !== "folder") parent.children.set(name, { node });
  else if (before !== undefined && "children" in before) before.node = node;
  else parent.children.set(name, { node, children: new Map() });
}

/**
 * Lays a tar archive over the tree. `whiteouts: "ignore"` is for archives that are no layers.
 * @throws Error when the archive is damaged, or has entries that lead out of it
 */
export async function applyTar(
  tree: ImageTree,
  tar: TarSource,
  options: { readonly whiteouts: "obey" | "ignore" },
): Promise<void> {
  const headers: TarHeader[] = [];
  for await (const { header } of readTar(await tar.open())) headers.push(header);
  // First, because a whiteout hides what is below the layer, never what is in it.
  if (options.whiteouts === "obey") for (const { path } of headers) obeyWhiteout(tree, cleanPath(path));
  for (const [number, header] of headers.entries()) {
    const path = cleanPath(header.path);
    if (options.whiteouts === "obey" && path.slice(path.lastIndexOf("/") + 1).startsWith(whiteout)) continue;
    putNode(tree, path, createNode(tree, header, { tar, number }));
  }
}

function obeyWhiteout(tree: ImageTree, path: string): void {
  const parent = findItem(tree.root, splitPath(parentOf(path)));
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (parent === undefined || !("children" in parent) || !name.startsWith(whiteout)) return;
  if (name === opaque) parent.children.clear();
  else parent.children.delete(name.slice(whiteout.length));
}

function createNode(
  tree: ImageTree,
  header: TarHeader,
  member: { readonly tar: TarSource; readonly number: number },
): Node {
  const owned = { mode: header.mode, uid: header.uid, gid: header.gid };
  switch (header.kind) {
    case "file":
      return { kind: "file", ...owned, size: header.size, content: { kind: "member", ...member } };
    case "folder":
      return { kind: "folder", ...owned };
    case "link":
      return { kind: "link", ...owned, target: header.target };
    case "hard-link": {
      const target = findItem(tree.root, splitPath(cleanPath(header.target)))?.node;
      if (target === undefined || target.kind === "folder")
        throw new Error(`"${header.path}" is a hard link to "${header.target}", which is not there`);
      return target;
    }
    case "fifo":
    case "character-device":
    case "block-device":
      return { kind: "special", ...owned, type: header.kind, major: header.major, minor: header.minor };
    case "unknown":
      throw new Error(`"${header.path}" is neither file, folder, link nor device`);
  }
}

/** Without leading `./` and `/`. */
function cleanPath(path: string): string {
  const names = splitPath(path);
  if (names.includes("..")) throw new Error(`"${path}" leads out of the archive`);
  return names.reduce(joinPath, "");
}

function findItem(root: Folder, names: readonly string[]): Folder | Leaf | undefined {
  let item: Folder | Leaf | undefined = root;
  for (const name of names) {
    if (item === undefined || !("children" in item)) return undefined;
    item = item.children.get(name);
  }
  return item;
}

function openFolder(root: Folder, names: readonly string[]): Folder {
  let folder = root;
  for (const name of names) {
    const found = folder.children.get(name);
    const next = found !== undefined && "children" in found ? found : createFolder();
    if (next !== found) folder.children.set(name, next);
    folder = next;
  }
  return folder;
}

function createFolder(): Folder {
  return { node: impliedFolder, children: new Map() };
}

function cloneFolder(folder: Folder): Folder {
  const children = [...folder.children].map(
    ([name, item]) => [name, "children" in item ? cloneFolder(item) : item] as const,
  );
  return { node: folder.node, children: new Map(children) };
}
