/** The files of a project, as they are, or as they will be once results that are kept are put in place. Does not know where those are. */
import picomatch from "picomatch";
import { closedNames, describeFile, expandPaths, type FileFact, type FileMemo } from "./files.ts";
import { isGlob } from "./paths.ts";

export interface View {
  readonly describe: (file: string) => FileFact;
  /** The files that patterns mean. */
  readonly expand: (patterns: readonly string[]) => readonly string[];
}

/** Files that are not there yet, and the folders that they lie in, by path. */
export type Layer = ReadonlyMap<string, FileFact>;

export function viewDisk(root: string, memo: FileMemo): View {
  return {
    describe: (file) => describeFile(root, file, memo),
    expand: (patterns) => expandPaths(root, patterns, isGlob),
  };
}

/** The same files, and more. */
export function withLayers({ describe, expand }: View, layers: readonly Layer[]): View {
  const find = (file: string): FileFact | undefined => {
    const plain = file.replace(/\/+$/, "");
    const fact = layers.find((layer) => layer.has(plain))?.get(plain);
    return fact === undefined ? undefined : { ...fact, path: file };
  };
  const isFolder = (file: string): boolean => (find(file) ?? describe(file)).kind === "folder";
  return {
    describe: (file) => find(file) ?? describe(file),
    expand(patterns) {
      const matches = createMatcher(patterns, isFolder);
      const more = layers.flatMap((layer) => [...layer.values()].filter(({ kind }) => kind !== "folder"));
      const found = expand(patterns).filter((file) => find(file)?.kind !== "folder");
      return [...new Set([...found, ...more.map(({ path }) => path).filter(matches)])].sort();
    },
  };
}

/** Tells what globs and folders mean among files that cannot be walked. */
function createMatcher(patterns: readonly string[], isFolder: (file: string) => boolean): (file: string) => boolean {
  const wanted = patterns.filter((pattern) => !pattern.startsWith("!")).map((pattern) => pattern.replace(/^\.\//, ""));
  const globs = wanted.filter(isGlob).map((glob) => (glob.endsWith("/") ? `${glob}**` : glob));
  const folders = wanted.filter((file) => !isGlob(file) && isFolder(file)).map((file) => file.replace(/\/*$/, "/"));
  const excluded = patterns
    .filter((pattern) => pattern.startsWith("!"))
    .map((pattern) => pattern.slice(1).replace(/\/+$/, ""));
  const isMatch = picomatch(globs, { dot: true });
  const isExcluded = picomatch(
    excluded.flatMap((pattern) => [pattern, `${pattern}/**`]),
    { dot: true },
  );
  return (file) =>
    (folders.some((folder) => folder === "./" || file.startsWith(folder)) || isMatch(file)) &&
    !isExcluded(file) &&
    !file.split("/").some((name) => closedNames.includes(name));
}
