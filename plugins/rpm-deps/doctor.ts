/** What is strange about the committed files, though nothing is wrong yet. Pure. */
import { findAliasGaps } from "./aliases.ts";
import { rpmRules, treeRules, type BazelFiles } from "./bazel-files.ts";
import { diffStates, splitTree } from "./diff.ts";
import type { RpmDepsOptions } from "./options.ts";
import type { Tree } from "./tree.ts";

/** Findings as sentences, in the order in which one would look into them. */
export function findSymptoms(files: BazelFiles, trees: readonly Tree[], options: RpmDepsOptions): readonly string[] {
  const { workspace, build } = files;
  const [rules, lists] = [rpmRules(workspace), treeRules(build)];
  const wanted = new Set(trees.map(({ name }) => name));
  const used = new Set([...lists.values()].flat());
  const suffixes = Object.fromEntries(Object.entries(options.streams).map(([stream, { suffix }]) => [stream, suffix]));
  return [
    ...[...lists.keys()]
      .filter((name) => !wanted.has(name))
      .map((name) => `tree ${name} is made by no group: nobody updates it`),
    ...[...wanted].filter((name) => !lists.has(name)).map((name) => `tree ${name} is not in ${build.file}`),
    ...[...used]
      .filter((name) => !rules.has(name))
      .sort()
      .map((name) => `rpm ${name} is in a tree, but not in ${workspace.file}`),
    ...[...rules.keys()].filter((name) => !used.has(name)).map((name) => `rpm ${name} is in no tree`),
    ...findAliasGaps(build.text, build.file, suffixes),
    ...findAttributeGaps(files, Object.values(suffixes)),
    ...diffStates(files, files).skew.map(
      ({ image, package: name, versions }) =>
        `${name} in ${image} differs: ${Object.entries(versions)
          .map(([arch, evr]) => `${arch} ${evr}`)
          .join(", ")}`,
    ),
    ...Object.entries(options.groups).flatMap(([group, { forceIgnore = [] }]) =>
      forceIgnore
        .filter((pattern) => !pattern.startsWith("^"))
        .map((pattern) => `group ${group} ignores "${pattern}" anywhere in a name; "^${pattern}" may be meant`),
    ),
  ];
}

const attributes = ["symlinks", "capabilities", "selinux_labels"];

/** Attributes that a tree lacks and the same tree of another stream has. */
function findAttributeGaps({ build }: BazelFiles, suffixes: readonly string[]): readonly string[] {
  const trees = build.rules.filter(({ kind }) => kind === "rpmtree");
  const plain = (name: string): string => {
    const suffix = suffixes.find((one) => one !== "" && name.endsWith(one));
    return suffix === undefined ? name : name.slice(0, -suffix.length);
  };
  return trees.flatMap((rule) =>
    attributes.flatMap((attribute) => {
      if (rule.attributes.some(({ name }) => name === attribute)) return [];
      const twin = trees.find(
        (other) =>
          other !== rule &&
          plain(other.name) === plain(rule.name) &&
          splitTree(other.name).arch === splitTree(rule.name).arch &&
          other.attributes.some(({ name }) => name === attribute),
      );
      return twin === undefined ? [] : [`tree ${rule.name} has no ${attribute}, ${twin.name} has`];
    }),
  );
}
