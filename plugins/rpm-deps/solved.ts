/** What the solver wrote for one tree: read, checked against what was asked, and kept for the next run. Does not start it. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { replaceFile } from "../../core/index.ts";
import { findRpmName, rpmRules, treeRules, type RpmRule } from "./bazel-files.ts";
import { stagedFiles } from "./stage.ts";
import { compareEvr, formatEvr } from "./evr.ts";
import type { SolvedTree } from "./merge.ts";
import { findPackages, type Snapshot } from "./snapshot.ts";
import { treeWrong } from "./solve-errors.ts";
import { parseBazelFile } from "./starlark.ts";
import type { Tree } from "./tree.ts";

/** The tree in the folder where the solver worked. @throws BtError RPM_DEPS_TREE_WRONG */
export function readSolved(tree: Tree, folder: string): SolvedTree {
  return readSolvedFrom(tree, folder, stagedFiles);
}

/** The tree in files of other names. @throws BtError RPM_DEPS_TREE_WRONG */
export function readSolvedFrom(
  tree: Tree,
  folder: string,
  { workspace, buildfile }: { readonly workspace: string; readonly buildfile: string },
): SolvedTree {
  const read = (file: string): string => readFileSync(path.join(folder, file), "utf8");
  const rules = rpmRules(parseBazelFile(read(workspace), workspace));
  const names = treeRules(parseBazelFile(read(buildfile), buildfile)).get(tree.name);
  if (names === undefined) throw treeWrong(tree.name, [`it wrote no rpmtree "${tree.name}"`]);
  const missing = names.filter((name) => !rules.has(name));
  if (missing.length > 0)
    throw treeWrong(
      tree.name,
      missing.map((name) => `it wrote no rpm "${name}"`),
    );
  return { name: tree.name, attributes: tree.attributes, rpms: names.map((name) => rules.get(name)!) };
}

/**
 * Every wanted package is there with its version, and every rpm is the one of the repositories.
 * @throws BtError RPM_DEPS_TREE_WRONG
 */
export function checkSolved(
  tree: Tree,
  { rpms }: SolvedTree,
  { snapshot, resolved }: { readonly snapshot: Snapshot; readonly resolved: ReadonlyMap<string, string> },
): void {
  const problems: string[] = [];
  const versions = new Map<string, string>();
  for (const rpm of rpms) {
    const parts = findRpmName(rpm.name);
    if (parts === undefined) {
      problems.push(`the name of ${rpm.name} has no version`);
      continue;
    }
    versions.set(parts.package, formatEvr(parts));
    const offered = findPackages(snapshot, parts.package, tree).filter((one) => compareEvr(one, parts) === 0);
    if (offered.some(({ checksum }) => checksum === rpm.sha256)) {
      const weak = offered.find(({ checksum, checksumType }) => checksum === rpm.sha256 && checksumType !== "sha256");
      if (weak !== undefined)
        problems.push(`the repository gives a ${weak.checksumType} for ${parts.package}; a workspace needs a sha256`);
    } else problems.push(`${rpm.name} has the sha256 ${rpm.sha256}, and no repository offers that`);
  }
  for (const { name } of tree.packages) {
    const [version, wanted] = [versions.get(name), resolved.get(`${tree.name} ${name}`)];
    if (version === undefined && !isIgnored(tree, snapshot, name)) problems.push(`${name} is wanted and not in it`);
    else if (version !== undefined && wanted !== undefined && version !== wanted)
      problems.push(`${name} should have the version ${wanted} and has ${version}`);
  }
  if (problems.length > 0) throw treeWrong(tree.name, problems);
}

/** The rpms with the addresses of packages that name a base of their own, which the solver does not read. */
export function applyBases(tree: Tree, solved: SolvedTree, snapshot: Snapshot): SolvedTree {
  const rpms = solved.rpms.map((rpm) => {
    const found = findPackages(snapshot, findRpmName(rpm.name)?.package ?? "", tree).find(
      ({ checksum }) => checksum === rpm.sha256,
    );
    if (found?.base === undefined) return rpm;
    return { ...rpm, urls: [new URL(found.href, found.base.endsWith("/") ? found.base : `${found.base}/`).href] };
  });
  return { ...solved, rpms };
}

/** A tree that an earlier run has solved from the same repositories with the same command. Undefined: none. */
export function findKept(folder: string, key: readonly unknown[], tree: Tree): SolvedTree | undefined {
  try {
    const rpms: readonly RpmRule[] = JSON.parse(readFileSync(keptFile(folder, key), "utf8"));
    return { name: tree.name, attributes: tree.attributes, rpms };
  } catch {
    return undefined;
  }
}

/** Kept until a run has come to its end. */
export function keepSolved(folder: string, key: readonly unknown[], { rpms }: SolvedTree): void {
  replaceFile(keptFile(folder, key), JSON.stringify(rpms));
}

function keptFile(folder: string, key: readonly unknown[]): string {
  return path.join(folder, "solved", createHash("sha256").update(JSON.stringify(key)).digest("hex"));
}

/** The solver matches patterns against names and versions, anywhere in them. */
function isIgnored(tree: Tree, snapshot: Snapshot, name: string): boolean {
  const texts = [name, ...findPackages(snapshot, name, tree).map((one) => `${name}-${formatEvr(one)}`)];
  return tree.ignore.some((pattern) =>
    texts.some((text) => new RegExp(pattern.replace(/^\(\?[a-z]+\)/, "")).test(text)),
  );
}
