/** `WORKSPACE` and `rpm/BUILD.bazel`: which rpms there are and which trees have them. Does not know repositories. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import { bazelFileMissing } from "./errors.ts";
import { parseEvr, type Evr } from "./evr.ts";
import { listOf, parseBazelFile, textOf, type BazelFile } from "./starlark.ts";

/** One `rpm()` rule. */
export interface RpmRule {
  /** `passt-0__0__caret__20250101-1.el9.x86_64`. */
  readonly name: string;
  readonly sha256: string;
  readonly urls: readonly string[];
}

/** What a rule's name says. */
export interface RpmName extends Evr {
  readonly package: string;
  /** The requested or the package's own architecture: programs differ in that. */
  readonly arch: string;
}

/** The two files. */
export interface BazelFiles {
  readonly workspace: BazelFile;
  readonly build: BazelFile;
}

/** @throws BtError RPM_DEPS_BAZEL_FILE_MISSING, RPM_DEPS_BAZEL_FILE_MALFORMED */
export async function loadBazelFiles(
  root: string,
  files: { readonly workspace: string; readonly buildfile: string },
): Promise<BazelFiles> {
  return {
    workspace: await loadBazelFile(root, files.workspace),
    build: await loadBazelFile(root, files.buildfile),
  };
}

/** Every rpm of a workspace by the name of its rule. */
export function rpmRules(workspace: BazelFile): ReadonlyMap<string, RpmRule> {
  const rules = workspace.rules.filter(({ kind }) => kind === "rpm");
  return new Map(
    rules.map((rule) => [
      rule.name,
      { name: rule.name, sha256: textOf(rule, "sha256") ?? "", urls: listOf(rule, "urls") },
    ]),
  );
}

/** Every tree with the names of its rpm rules, sorted as they stand there. */
export function treeRules(build: BazelFile): ReadonlyMap<string, readonly string[]> {
  const rules = build.rules.filter(({ kind }) => kind === "rpmtree");
  return new Map(rules.map((rule) => [rule.name, listOf(rule, "rpms").map(ruleOf)]));
}

/** `@NAME//rpm`, or `@rpms//NAME` where there is a lock file. */
function ruleOf(label: string): string {
  const [, repository = label, target = "rpm"] = /^@([^/]*)\/\/:?(.*)$/.exec(label) ?? [];
  return target === "rpm" ? repository : target;
}

/** `NAME-E__V-R.ARCH` in its parts. Undefined: it is not such a name. */
export function findRpmName(rule: string): RpmName | undefined {
  const text = rule
    .replaceAll("__caret__", "^")
    .replaceAll("__tilde__", "~")
    .replaceAll("__plus__", "+")
    .replace(/-(\d+)__/, "-$1:");
  const [, name, evr, arch] = /^(.+)-(\d+:[^-]+-[^-]+)\.([^.]+)$/.exec(text) ?? [];
  if (name === undefined || evr === undefined || arch === undefined) return undefined;
  return { package: name, arch, ...parseEvr(evr) };
}

/** Bytes of a file as text. */
async function loadBazelFile(root: string, file: string): Promise<BazelFile> {
  let text: string;
  try {
    text = await readFile(path.resolve(root, file), "utf8");
  } catch (error) {
    throw bazelFileMissing(file, error);
  }
  return parseBazelFile(text, file);
}
