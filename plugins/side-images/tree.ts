/** The work tree of a cell: the component's folder as build scripts know it, beside its siblings, with a source of its own. Does not run scripts. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Cell } from "./cell.ts";
import { binariesOutside } from "./errors.ts";
import { checkOut } from "./git.ts";
import type { SidePlan } from "./plan.ts";
import type { FetchedSource, TreeResult } from "./result.ts";
import { places, type SideContext } from "./role.ts";

/** The component's folder in its tree, relative to the root. */
export function treeFolder({ component, suffix }: Pick<Cell, "component" | "suffix">): string {
  return join(places.work, component, suffix, "components", component);
}

/** Makes the tree anew: own files, links to siblings, the source. Files that another user owns are no matter. */
export async function makeTree(
  context: SideContext,
  plan: SidePlan,
  cell: Cell,
  { cache, bare, source }: FetchedSource & { readonly cache: string },
): Promise<string> {
  const { root, log } = context;
  const folder = treeFolder(cell);
  const path = join(root, folder);
  const own = join(root, plan.options.dir, "components", cell.component);
  await rm(dirname(dirname(path)), { recursive: true, force: true });
  await mkdir(path, { recursive: true });
  // Also folders that are no components: scripts take patches from wherever they are.
  for (const name of await readdir(dirname(own)))
    if (name !== cell.component) await symlink(join(dirname(own), name), join(dirname(path), name));
  await copyOwnFiles(own, path);
  if (plan.options.source?.useLocal === true) {
    if (existsSync(join(own, "src")))
      await cp(join(own, "src"), join(path, "src"), { recursive: true, verbatimSymlinks: true });
    return folder;
  }
  if (existsSync(join(own, "src")))
    log.info(
      `[${cell.id}] ${join(plan.options.dir, "components", cell.component, "src")} is not used; source.useLocal uses it`,
    );
  if (source === undefined || bare === undefined) return folder;
  const top = await checkOut(context, join(cache, bare), source.commit, join(path, "src"));
  if (top !== join(path, "src")) throw binariesOutside(join(folder, "src"), top);
  return folder;
}

/** The component's files as they are now, without what is generated: `src` and `bin` of the tree stay. */
export async function copyOwnFiles(from: string, to: string): Promise<void> {
  for (const name of await readdir(to))
    if (!isGenerated(name)) await rm(join(to, name), { recursive: true, force: true });
  for (const name of await readdir(from))
    if (!isGenerated(name))
      await cp(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

function isGenerated(name: string): boolean {
  return name === "src" || name === "bin";
}

/** Digest and names of what is in `bin`. */
export async function describeBin(path: string): Promise<Pick<TreeResult, "digest" | "files">> {
  const bin = join(path, "bin");
  const hash = createHash("sha256");
  const files: string[] = [];
  if (existsSync(bin)) {
    const entries = await readdir(bin, { recursive: true, withFileTypes: true });
    const names = entries.map((entry) => ({ entry, name: join(entry.parentPath, entry.name).slice(bin.length + 1) }));
    for (const { entry, name } of names.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) continue;
      const file = join(bin, name);
      hash.update(`${name}\0`).update(entry.isSymbolicLink() ? await readlink(file) : await readFile(file));
      files.push(name);
    }
  }
  return { digest: hash.digest("hex"), files };
}

const marker = ".bt-tree";

/** Says beside the tree that it is complete, and for what. */
export async function markTree(path: string, key: string): Promise<void> {
  await writeFile(join(dirname(path), "..", marker), key);
}

/** Whether the tree of the last success is still there. */
export async function hasTree({ root, previous, key }: SideContext): Promise<boolean> {
  const { folder } = previous as TreeResult; // Its own last result.
  const found = await readFile(join(root, dirname(folder), "..", marker), "utf8").catch(() => undefined);
  return found !== undefined && (found === key || key === "");
}
