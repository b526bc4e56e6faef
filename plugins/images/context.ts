/** A build context as a tree: the files of a folder that no rule ignores. Does not know Dockerfiles. */
import { lstatSync, type Stats } from "node:fs";
import { readdir, readlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { contextMissing } from "./errors.ts";
import type { IgnoreRules } from "./ignore.ts";
import type { Node, Tree } from "./tree.ts";

/** A build context. */
export interface Context extends Tree {
  readonly dir: string;
  /** Why a path that exists is not in the tree. Undefined: it does not exist either, or it is in. */
  readonly ignoredBy: (path: string) => Promise<string | undefined>;
}

/** Hears what an answer of the tree comes from; absolute paths. */
export interface Witness {
  /** The names in a folder, or a link in it, were looked at. */
  readonly onFolder: (path: string) => void;
  /** Something was looked for and is not there. */
  readonly onMissing: (path: string) => void;
}

/**
 * Opens the folder `dir`, without folders called `.bt`. Owners are 0:0, files have mode 0644 or 0755, folders 0755: the same on every machine, whatever its umask.
 * @throws BtError IMAGES_CONTEXT_MISSING
 */
export async function openContext(dir: string, rules?: IgnoreRules, witness?: Witness): Promise<Context> {
  // Not asked from a thread: a context has many files, and the answer takes less than the question.
  // The point follows a link to the folder itself.
  const statusOf = (path: string): Stats | undefined => findStatus(path === "" ? `${dir}/.` : join(dir, path));
  if (statusOf("")?.isDirectory() !== true) throw contextMissing(dir);

  async function find(path: string): Promise<Node | undefined> {
    const status = statusOf(path);
    if (status === undefined) witness?.onMissing(join(dir, path));
    if (status?.isSymbolicLink() === true) witness?.onFolder(dirname(join(dir, path)));
    if (status === undefined || isOwn(path) || !(await isIn(path, status))) return undefined;
    return createNode(join(dir, path), status);
  }

  /** An ignored folder is in when something in it is. */
  async function isIn(path: string, status: Stats): Promise<boolean> {
    if (path === "" || rules === undefined || !rules.ignores(path)) return true;
    if (!status.isDirectory() || !rules.mayHoldException(path)) return false;
    witness?.onFolder(join(dir, path));
    for (const name of await readdir(join(dir, path))) {
      const child = `${path}/${name}`;
      const childStatus = statusOf(child);
      if (childStatus !== undefined && (await isIn(child, childStatus))) return true;
    }
    return false;
  }

  async function list(path: string): Promise<readonly string[]> {
    if (statusOf(path)?.isDirectory() !== true) return [];
    witness?.onFolder(join(dir, path));
    const names = await readdir(join(dir, path));
    const known = await Promise.all(
      names.map(async (name) =>
        (await find(path === "" ? name : `${path}/${name}`)) === undefined ? undefined : name,
      ),
    );
    return known.filter((name) => name !== undefined).sort();
  }

  async function ignoredBy(path: string): Promise<string | undefined> {
    const status = rules === undefined ? undefined : statusOf(path);
    return status === undefined || isOwn(path) || (await isIn(path, status)) ? undefined : rules?.file;
  }

  return { label: "the context", isRoot: false, dir, find, list, ignoredBy };
}

/** What bt remembers, and the images it builds: never a part of an image, or no build would be like the one before. */
export function isOwn(path: string): boolean {
  return path.split("/").includes(".bt");
}

/** Undefined: nothing is there, or a file is where a folder should be. */
function findStatus(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function createNode(path: string, status: Stats): Promise<Node> {
  const owner = { uid: 0, gid: 0 };
  if (status.isDirectory()) return { kind: "folder", mode: 0o755, ...owner };
  if (status.isSymbolicLink()) return { kind: "link", mode: 0o777, target: await readlink(path), ...owner };
  if (status.isFile()) {
    const mode = (status.mode & 0o111) === 0 ? 0o644 : 0o755;
    return { kind: "file", mode, size: status.size, content: { kind: "path", path }, ...owner };
  }
  const type = status.isFIFO()
    ? "fifo"
    : status.isSocket()
      ? "socket"
      : status.isBlockDevice()
        ? "block-device"
        : "character-device";
  return { kind: "special", mode: 0o644, type, major: 0, minor: 0, ...owner };
}
