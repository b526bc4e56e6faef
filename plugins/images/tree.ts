/** Files, folders and links that COPY reads and writes, and how paths find them. Does not know where they are stored, or what an ignore file says. */

/** Owner and permissions. */
export interface Owned {
  /** Permission bits only, with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A tar archive that can be read again and again. */
export interface TarSource {
  readonly open: () => Promise<AsyncIterable<Uint8Array>>;
}

/** Where the bytes of a file are. */
export type Content =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The entry of a tar archive with this 0-based number. */
  | { readonly kind: "member"; readonly tar: TarSource; readonly number: number };

/** A file. Size in bytes. */
type FileNode = Owned & { readonly kind: "file"; readonly size: number; readonly content: Content };
/** A folder; its children are asked from its tree. */
export type FolderNode = Owned & { readonly kind: "folder" };
/** A symbolic link. */
type LinkNode = Owned & { readonly kind: "link"; readonly target: string };
/** A device or named pipe. */
type SpecialNode = Owned & {
  readonly kind: "special";
  readonly type: "fifo" | "character-device" | "block-device" | "socket";
  readonly major: number;
  readonly minor: number;
};
/** Anything that has a name. */
export type Node = FileNode | FolderNode | LinkNode | SpecialNode;

/** Something that can be looked into. Paths have no leading `/`; the root is "". */
export interface Tree {
  /** How messages call it: `the context`, `stage "build"`. */
  readonly label: string;
  /** Whether links may lead anywhere, with the tree as their root. Otherwise an absolute link, or one with too many `..`, leaves it. */
  readonly isRoot: boolean;
  /** What is at the path, links not followed. Undefined: nothing, or not in a folder. */
  readonly find: (path: string) => Promise<Node | undefined>;
  /** Names in a folder, sorted. Empty: nothing is in it, or it is no folder. */
  readonly list: (path: string) => Promise<readonly string[]>;
}

/** Where a path ends after its links are followed. */
export type Resolution =
  | { readonly kind: "found"; readonly path: string; readonly node: Node }
  /** Nothing is there; `path` is where it would be. */
  | { readonly kind: "missing"; readonly path: string }
  /** A file is where a folder should be. */
  | { readonly kind: "not-a-folder"; readonly path: string }
  | { readonly kind: "outside"; readonly link: string; readonly target: string }
  | { readonly kind: "loop"; readonly link: string };

// Linux follows forty.
const maxLinks = 40;

/** Follows a path through the tree. `last: "keep"` does not follow a link at its end. */
export async function resolvePath(
  tree: Tree,
  path: string,
  options: { readonly last: "follow" | "keep" },
): Promise<Resolution> {
  const waiting = splitPath(path).reverse();
  const done: string[] = [];
  let links = 0;
  let lastLink = { link: "", target: "" };
  let node = await tree.find("");
  while (waiting.length > 0) {
    const name = waiting.pop()!;
    if (name === "..") {
      if (done.length === 0 && !tree.isRoot) return { kind: "outside", ...lastLink };
      done.pop();
      continue;
    }
    const here = [...done, name].join("/");
    node = await tree.find(here);
    if (node === undefined) return findMissing(tree, [...done, name, ...waiting.reverse()], lastLink);
    if (node.kind !== "link" || (waiting.length === 0 && options.last === "keep")) {
      if (node.kind !== "folder" && waiting.length > 0) return { kind: "not-a-folder", path: here };
      done.push(name);
      continue;
    }
    lastLink = { link: here, target: node.target };
    if (++links > maxLinks) return { kind: "loop", link: here };
    if (node.target.startsWith("/")) {
      if (!tree.isRoot) return { kind: "outside", ...lastLink };
      done.length = 0;
    }
    waiting.push(...splitPath(node.target).reverse());
  }
  const end = done.join("/");
  const found = await tree.find(end);
  return found === undefined ? { kind: "missing", path: end } : { kind: "found", path: end, node: found };
}

/** Everything below a folder, parents first, names sorted; paths relative to the folder. */
export async function* walkTree(
  tree: Tree,
  folder: string,
  prefix = "",
): AsyncGenerator<readonly [path: string, node: Node]> {
  for (const name of await tree.list(joinPath(folder, prefix))) {
    const relative = joinPath(prefix, name);
    const node = await tree.find(joinPath(folder, relative));
    if (node === undefined) continue;
    yield [relative, node];
    if (node.kind === "folder") yield* walkTree(tree, folder, relative);
  }
}

/** The names of a path; empty ones and `.` left out. */
export function splitPath(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** Two paths without leading `/`, joined. */
export function joinPath(a: string, b: string): string {
  return a === "" ? b : b === "" ? a : `${a}/${b}`;
}

/** A path of an image, `..` obeyed by name; a relative one is in `folder`. Default: `/`. */
export function joinAbsolute(folder: string | undefined, path: string): string {
  const names: string[] = [];
  for (const name of splitPath(path.startsWith("/") ? path : `${folder ?? ""}/${path}`)) {
    if (name === "..") names.pop();
    else names.push(name);
  }
  return `/${names.join("/")}`;
}

/** The folder that a path is in. */
export function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Where a path would be whose end does not exist: `..` is obeyed by name. */
function findMissing(
  tree: Tree,
  path: readonly string[],
  lastLink: { readonly link: string; readonly target: string },
): Resolution {
  const names: string[] = [];
  for (const name of path) {
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined && !tree.isRoot) return { kind: "outside", ...lastLink };
  }
  return { kind: "missing", path: names.join("/") };
}
