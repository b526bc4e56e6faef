/** Owners by number or by the names in an image's /etc/passwd and /etc/group. Does not know the users of this machine. */
import type { Place } from "../../core/index.ts";
import { readContent } from "./content.ts";
import { ownerUnknown } from "./errors.ts";
import { resolvePath, type Tree } from "./tree.ts";

/** Who owns a file. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Where names are looked up. */
export interface OwnerLookup {
  readonly tree: Tree;
  /** A folder for files taken out of layers. */
  readonly dir: string;
  readonly at: Place;
}

/**
 * The owner that `user`, `user:group` or `:group` names. Without a group, a number is also the group, and a name has its own.
 * @throws BtError IMAGES_OWNER_UNKNOWN
 */
export async function parseOwner(text: string, lookup: OwnerLookup): Promise<Owner> {
  const [user = "", group] = text.split(":", 2);
  const owner = user === "" ? { uid: 0, gid: 0 } : await findUser(user, lookup);
  return group === undefined || group === "" ? owner : { uid: owner.uid, gid: await findGroup(group, lookup) };
}

async function findUser(name: string, lookup: OwnerLookup): Promise<Owner> {
  if (isNumber(name)) return { uid: Number(name), gid: Number(name) };
  const rows = await readRows("etc/passwd", lookup);
  const row = rows.find(([known]) => known === name);
  if (row === undefined)
    throw ownerUnknown(lookup.at, { kind: "user", name, known: rows.map(([known = ""]) => known) });
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

async function findGroup(name: string, lookup: OwnerLookup): Promise<number> {
  if (isNumber(name)) return Number(name);
  const rows = await readRows("etc/group", lookup);
  const row = rows.find(([known]) => known === name);
  if (row === undefined)
    throw ownerUnknown(lookup.at, { kind: "group", name, known: rows.map(([known = ""]) => known) });
  return Number(row[2]);
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** Rows whose numbers are numbers. Empty: there is no such file. */
async function readRows(path: string, { tree, dir }: OwnerLookup): Promise<readonly (readonly string[])[]> {
  const found = await resolvePath(tree, path, { last: "follow" });
  if (found.kind !== "found" || found.node.kind !== "file") return [];
  const text = (await readContent(found.node.content, dir)).toString("utf8");
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((row) => isNumber(row[2] ?? "") && (path === "etc/group" || isNumber(row[3] ?? "")));
}
