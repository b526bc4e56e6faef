/** What differs between two states of the trees, package by package. Pure; does not know where the states come from. */
import { platformTable } from "../../core/index.ts";
import { findRpmName, rpmRules, treeRules, type BazelFiles, type RpmName, type RpmRule } from "./bazel-files.ts";
import { compareEvr, compareText, formatEvr } from "./evr.ts";

/** How one package of a tree changed. `renamed`: only the architecture in the rule's name. `rebuilt`: same version, another file. */
export type ChangeKind = "added" | "removed" | "upgraded" | "downgraded" | "renamed" | "rebuilt" | "moved";

/** One package in the trees of one image. */
export interface PackageChange {
  readonly kind: ChangeKind;
  /** Name of the trees without their architecture: `launcherbase_cs9`. */
  readonly image: string;
  readonly package: string;
  readonly before?: string;
  readonly after?: string;
  readonly arches: readonly string[];
}

/** One package whose version differs between the architectures of one image. */
export interface Skew {
  readonly image: string;
  readonly package: string;
  /** Architecture to version. */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Difference {
  /** Trees that only one side has. */
  readonly addedTrees: readonly string[];
  readonly removedTrees: readonly string[];
  readonly packages: readonly PackageChange[];
  /** In the second state. */
  readonly skew: readonly Skew[];
}

/** One rpm of one tree. */
interface Member {
  readonly rpm: RpmRule;
  readonly name: RpmName;
}

type Trees = ReadonlyMap<string, ReadonlyMap<string, Member>>;

export function diffStates(before: BazelFiles, after: BazelFiles): Difference {
  const [old, now] = [readTrees(before), readTrees(after)];
  const changes = new Map<string, PackageChange>();
  for (const tree of [...new Set([...old.keys(), ...now.keys()])].sort())
    for (const change of diffTree(tree, old.get(tree), now.get(tree))) {
      const key = [change.image, change.kind, change.package, change.before, change.after].join(" ");
      const same = changes.get(key);
      changes.set(key, same === undefined ? change : { ...same, arches: [...same.arches, ...change.arches] });
    }
  return {
    addedTrees: [...now.keys()].filter((name) => !old.has(name)).sort(),
    removedTrees: [...old.keys()].filter((name) => !now.has(name)).sort(),
    packages: [...changes.values()].sort((a, b) => compareText(a.image, b.image) || compareText(a.package, b.package)),
    skew: findSkew(now),
  };
}

/** Whether anything differs; skew is no difference. */
export function isSame({ addedTrees, removedTrees, packages }: Difference): boolean {
  return addedTrees.length + removedTrees.length + packages.length === 0;
}

const marks: Readonly<Record<ChangeKind, string>> = {
  added: "+",
  removed: "-",
  upgraded: "↑",
  downgraded: "↓",
  renamed: "=",
  rebuilt: "~",
  moved: "@",
};

/** One line a package, image by image, then what differs between architectures. */
export function renderDifference(difference: Difference): readonly string[] {
  const lines: string[] = [];
  for (const name of difference.addedTrees) lines.push(`new tree ${name}`);
  for (const name of difference.removedTrees) lines.push(`tree ${name} is gone`);
  let image = "";
  for (const change of difference.packages) {
    if (change.image !== image) lines.push(change.image);
    image = change.image;
    lines.push(`  ${marks[change.kind]} ${describe(change)} [${change.arches.join(" ")}]`);
  }
  if (difference.skew.length > 0) lines.push("versions differ between architectures:");
  for (const { image: where, package: name, versions } of difference.skew)
    lines.push(
      `  ${where} ${name}: ${Object.entries(versions)
        .map(([arch, evr]) => `${arch} ${evr}`)
        .join(", ")}`,
    );
  return lines;
}

function describe({ kind, package: name, before = "", after = "" }: PackageChange): string {
  switch (kind) {
    case "added":
      return `${name} ${after}`;
    case "removed":
      return `${name} ${before}`;
    case "upgraded":
    case "downgraded":
      return `${name} ${before} → ${after}`;
    case "renamed":
      return `${name} ${after} (renamed)`;
    case "rebuilt":
      return `${name} ${after} (another file of the same version)`;
    case "moved":
      return `${name} ${after} (other addresses)`;
  }
}

function diffTree(
  tree: string,
  old: ReadonlyMap<string, Member> = new Map(),
  now: ReadonlyMap<string, Member> = new Map(),
): readonly PackageChange[] {
  const { image, arch } = splitTree(tree);
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => {
    const [one, two] = [old.get(name), now.get(name)];
    const kind = kindOf(one, two);
    if (kind === undefined) return [];
    return {
      kind,
      image,
      package: name,
      arches: [arch],
      ...(one === undefined ? {} : { before: formatEvr(one.name) }),
      ...(two === undefined ? {} : { after: formatEvr(two.name) }),
    };
  });
}

function kindOf(one: Member | undefined, two: Member | undefined): ChangeKind | undefined {
  if (one === undefined || two === undefined) return one === undefined ? "added" : "removed";
  const order = compareEvr(one.name, two.name);
  if (order !== 0) return order < 0 ? "upgraded" : "downgraded";
  if (one.rpm.sha256 !== two.rpm.sha256) return "rebuilt";
  if (one.rpm.name !== two.rpm.name) return "renamed";
  return one.rpm.urls.join("\n") === two.rpm.urls.join("\n") ? undefined : "moved";
}

/** A rule without a version in its name is its own package. */
function readTrees({ workspace, build }: BazelFiles): Trees {
  const rules = rpmRules(workspace);
  return new Map(
    [...treeRules(build)].map(([tree, names]) => [
      tree,
      new Map(
        names.map((rule) => {
          const name = findRpmName(rule) ?? { package: rule, arch: "", epoch: "0", version: "" };
          return [name.package, { name, rpm: rules.get(rule) ?? { name: rule, sha256: "", urls: [] } }] as const;
        }),
      ),
    ]),
  );
}

/** Of a tree without an architecture in its name. */
const anyArch = "all";

/** `launcherbase_s390x_cs9` is `launcherbase_cs9` for s390x. */
export function splitTree(name: string): { readonly image: string; readonly arch: string } {
  for (const { rpm } of platformTable) {
    const at = `${name}_`.indexOf(`_${rpm}_`);
    if (at > 0) return { image: name.slice(0, at) + name.slice(at + rpm.length + 1), arch: rpm };
  }
  return { image: name, arch: anyArch };
}

function findSkew(trees: Trees): readonly Skew[] {
  const versions = new Map<string, { image: string; package: string; versions: Record<string, string> }>();
  for (const [tree, members] of [...trees].sort(([a], [b]) => compareText(a, b))) {
    const { image, arch } = splitTree(tree);
    if (arch === anyArch) continue;
    for (const [name, member] of members) {
      const entry = versions.get(`${image} ${name}`) ?? { image, package: name, versions: {} };
      entry.versions[arch] = formatEvr(member.name);
      versions.set(`${image} ${name}`, entry);
    }
  }
  return [...versions.values()]
    .filter((entry) => new Set(Object.values(entry.versions)).size > 1)
    .sort((a, b) => compareText(a.image, b.image) || compareText(a.package, b.package));
}
