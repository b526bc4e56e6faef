/** Whether every wanted package exists, with its pinned version. Pure; does not know how to get it. */
import { compareEvr, formatEvr, type Evr } from "./evr.ts";
import type { Miss } from "./miss.ts";
import { findPin, type Pin } from "./pins.ts";
import type { Package } from "./primary.ts";
import { findPackages, type Snapshot } from "./snapshot.ts";
import type { Wanted } from "./spec.ts";
import type { Tree } from "./tree.ts";

/** A pin without an epoch that could mean several. */
export interface Doubt {
  readonly pin: string;
  readonly stream: string;
  readonly package: string;
  readonly wanted: string;
  readonly candidates: readonly string[];
}

/** What came out. */
export interface Findings {
  readonly misses: readonly Miss[];
  readonly doubts: readonly Doubt[];
  /** `TREE PACKAGE` to the full version that its pin means there. */
  readonly resolved: ReadonlyMap<string, string>;
}

/** Looks up everything that the trees want. */
export function checkTrees(snapshot: Snapshot, trees: readonly Tree[], pins: readonly Pin[]): Findings {
  const misses = new Map<string, Miss>();
  const doubts = new Map<string, Doubt>();
  const resolved = new Map<string, string>();
  for (const tree of trees) {
    const wanted: readonly Wanted[] = [...tree.packages, { spec: tree.basesystem, name: tree.basesystem }];
    for (const { name, pin } of wanted) {
      const text = pin === undefined ? "" : (findPin(pins, pin, tree.stream)?.evr ?? "");
      const found = findPackages(snapshot, name, tree);
      const matching = matchPin(found, text);
      const best = newest(matching);
      const key = `${tree.stream} ${tree.arch} ${name} ${text}`;
      if (best === undefined) {
        const miss = misses.get(key) ?? describeMiss(snapshot, { tree, name, text, pin }, { found, trees });
        misses.set(key, { ...miss, trees: [...new Set([...miss.trees, tree.name])] });
        continue;
      }
      if (text === "" || pin === undefined) continue;
      if (!text.includes(":") && new Set(matching.map(({ epoch }) => epoch)).size > 1)
        doubts.set(key, { pin, stream: tree.stream, package: name, wanted: text, candidates: evrTexts(matching) });
      resolved.set(`${tree.name} ${name}`, formatEvr(best));
    }
  }
  return { misses: [...misses.values()], doubts: [...doubts.values()], resolved };
}

/** Packages whose version is the pin, or starts with it and goes on with a dot: `…-9` means `…-9.el9`, not `…-90.el9`. */
export function matchPin(found: readonly Package[], text: string): readonly Package[] {
  if (text === "") return found;
  const exact = found.filter((one) => spellings(one).includes(text));
  return exact.length > 0 ? exact : found.filter((one) => spellings(one).some((evr) => evr.startsWith(`${text}.`)));
}

/** Versions of packages, newest first, each once. */
export function evrTexts(found: readonly Package[]): readonly string[] {
  return [...new Set([...found].sort((a, b) => compareEvr(b, a)).map(formatEvr))];
}

/** With the epoch, and without. */
function spellings(one: Evr): readonly string[] {
  const full = formatEvr(one);
  return [full, full.slice(full.indexOf(":") + 1)];
}

function newest(found: readonly Package[]): Package | undefined {
  return found.reduce<Package | undefined>(
    (best, one) => (best === undefined || compareEvr(one, best) > 0 ? one : best),
    undefined,
  );
}

function describeMiss(
  snapshot: Snapshot,
  asked: { readonly tree: Tree; readonly name: string; readonly text: string; readonly pin: string | undefined },
  { found, trees }: { readonly found: readonly Package[]; readonly trees: readonly Tree[] },
): Miss {
  const { tree, name, text, pin } = asked;
  const { stream } = tree;
  const repositoryOf = new Map(
    found.map((one) => [formatEvr(one), snapshot.sources[one.repository]!.repository.name] as const),
  );
  const arches = [...new Set(trees.map(({ arch }) => arch))].filter((arch) => arch !== tree.arch);
  return {
    package: name,
    stream,
    arch: tree.arch,
    ...(pin === undefined ? {} : { pin }),
    ...(text === "" ? {} : { wanted: text }),
    trees: [],
    available: evrTexts(found).map((evr) => ({ evr, repository: repositoryOf.get(evr)! })),
    elsewhere: arches.filter((arch) => matchPin(findPackages(snapshot, name, { stream, arch }), text).length > 0),
  };
}
