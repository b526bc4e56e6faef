/** Where the local cache and half-made things lie, and what becomes of what a killed bt has left there. Does not know what is in them. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { findText, followLinks, makeFolder } from "../files.ts";
import { removePath } from "../remove.ts";
import { findPresence, processName } from "../owner.ts";

/** Name of the folder in a local cache where it says what others have. */
export const farFolder = "far";

/** Folders of a local cache, absolute. */
export interface CachePlace {
  readonly folder: string;
  /** On the same file system, so that what is made there can be renamed into the cache. */
  readonly stage: string;
}

/**
 * The folder that is named by BT_CACHE_DIR or the settings; else `.bt/cache` of the project, and for a git worktree that of the same project in
 * the repository's main worktree.
 */
export function findCachePlace(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
  named: string | undefined,
): CachePlace {
  const wish = env["BT_CACHE_DIR"] || named;
  if (wish !== undefined) {
    const folder = path.resolve(root, wish.replace(/^~(?=\/|$)/, env["HOME"] || os.homedir()));
    return { folder, stage: path.join(folder, "stage") };
  }
  const home = path.join(findMainRoot(root) ?? root, ".bt");
  return { folder: path.join(home, "cache"), stage: path.join(home, "stage") };
}

/** Where things of the project itself are made, before they are renamed into it. */
export function stageOf(root: string): string {
  return path.join(root, ".bt", "stage");
}

/** The same project in the main worktree. Undefined: this is the main one, or no worktree. */
function findMainRoot(root: string): string | undefined {
  for (let folder = root; ; folder = path.dirname(folder)) {
    const link = readLink(path.join(folder, ".git"));
    if (link !== undefined) {
      const shared = findText(path.join(path.resolve(folder, link), "commondir"))?.trim();
      const common = shared === undefined ? undefined : path.resolve(folder, link, shared);
      if (common === undefined || path.basename(common) !== ".git") return undefined; // A submodule, or a bare repository.
      return path.join(path.dirname(followLinks(common)), path.relative(folder, root));
    }
    if (fs.existsSync(path.join(folder, ".git")) || folder === path.dirname(folder)) return undefined;
  }
}

/** What `gitdir: …` in a file `.git` says. */
function readLink(file: string): string | undefined {
  try {
    return /^gitdir: (.+)/.exec(fs.readFileSync(file, "utf8"))?.[1];
  } catch {
    return undefined; // A folder, or nothing.
  }
}

/** A private folder for half-made things of this process. */
export interface Stage {
  /** A path in it that nothing is at yet. */
  readonly next: () => string;
  readonly close: () => void;
}

/** Opens a stage below `folder`, and empties those of processes that are gone. */
export function openStage(folder: string): Stage {
  sweepStages(folder);
  const own = path.join(folder, `${processName()}:${(opened += 1)}`);
  let count = 0;
  return {
    next() {
      if (count === 0) makeFolder(own);
      return path.join(own, String((count += 1)));
    },
    close: () => tryRemove(own),
  };
}
let opened = 0;

/** Processes of another container cannot be asked for; a day is more than any of them needs. */
const strangerMs = 24 * 3600 * 1000;

function sweepStages(folder: string): void {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return; // Not there yet.
  }
  for (const name of names) {
    const file = path.join(folder, name);
    const presence = findPresence(name.replace(/:.*/, ""));
    const isOver = presence === "unseen" ? Date.now() - ageOf(file) > strangerMs : presence === "gone";
    if (isOver) tryRemove(file);
  }
}

/** What cannot be removed now is swept some day. */
function tryRemove(file: string): void {
  try {
    removePath(file);
  } catch {
    return;
  }
}

function ageOf(file: string): number {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
}
