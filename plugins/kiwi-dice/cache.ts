/** KIWI's cache of packages: one for each build, filled from a folder that all builds share and giving back to it. Does not know what is built. */
import { copyFileSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Puts the packages of `shared` into a build's own cache. KIWI also keeps lists, sources and locks in its cache and wipes them at will,
 * so two builds cannot have the same one; packages never change under their name.
 */
export function fillCache(shared: string, own: string): void {
  movePackages(shared, own);
}

/** Packages that a build has fetched, for those that come after it. */
export function keepPackages(own: string, shared: string): void {
  movePackages(own, shared);
}

function movePackages(from: string, to: string): void {
  for (const path of listPackages(from)) {
    const target = join(to, path);
    mkdirSync(dirname(target), { recursive: true });
    place(join(from, path), target);
  }
}

function listPackages(folder: string): readonly string[] {
  try {
    const all = readdirSync(folder, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile() && /\.(deb|rpm)$/.test(entry.name) && basename(entry.parentPath) !== "partial")
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** A hard link where that is possible; another build may have been faster. */
function place(file: string, target: string): void {
  try {
    linkSync(file, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    const staged = `${target}.${process.pid}`;
    try {
      copyFileSync(file, staged);
      renameSync(staged, target);
    } finally {
      rmSync(staged, { force: true });
    }
  }
}
