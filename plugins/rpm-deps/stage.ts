/** Folders in which the solver works: its own two files and the repository lists under their own names. Does not start it. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { editRepositories } from "./document.ts";
import type { RepositoryList } from "./repofile.ts";

/** A folder ready for the solver. */
export interface Stage {
  /** Absolute. */
  readonly folder: string;
  /** Names of the repository lists in it, as they are written on the command line. */
  readonly repofiles: readonly string[];
  /** What the solver needs to find its cache, whatever its version; undefined removes. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Names that the solver has for its files when it is not told others. */
export const stagedFiles = { workspace: "WORKSPACE", buildfile: "rpm/BUILD.bazel" };

/**
 * Makes the folder anew. Disabled repositories are left out, and a name that a list before it has gets a number:
 * the solver's cache knows repositories by their names only.
 */
export function createStage(
  folder: string,
  lists: readonly RepositoryList[],
  { cache, workspace, build }: { readonly cache: string; readonly workspace: string; readonly build: string },
): Stage {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, "rpm"), { recursive: true });
  writeFileSync(path.join(folder, stagedFiles.workspace), workspace);
  writeFileSync(path.join(folder, stagedFiles.buildfile), build);
  mkdirSync(path.join(cache, "bazeldnf"), { recursive: true });
  symlinkSync(path.join(cache, "bazeldnf"), path.join(folder, ".bazeldnf"));
  const names = new Set<string>();
  const repofiles = lists.map((list, at) => {
    const name = stagedName(list.file, at);
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), renderList(list, names));
    return name;
  });
  return { folder, repofiles, env: { XDG_CACHE_HOME: cache, BUILD_WORKING_DIRECTORY: undefined } };
}

/** Lists outside of the project get a place inside. */
function stagedName(file: string, at: number): string {
  const normal = path.normalize(file);
  return path.isAbsolute(normal) || normal.startsWith("..") ? `lists/${at}-${path.basename(normal)}` : normal;
}

function renderList({ text, repositories }: RepositoryList, names: Set<string>): string {
  const drop = new Set<number>();
  const rename = new Map<number, string>();
  for (const [at, { name, isDisabled }] of repositories.entries()) {
    if (isDisabled) {
      drop.add(at);
      continue;
    }
    let free = name;
    for (let number = 2; names.has(free); number++) free = `${name}-${number}`;
    names.add(free);
    if (free !== name) rename.set(at, free);
  }
  return drop.size === 0 && rename.size === 0 ? text : editRepositories(text, { drop, rename });
}
