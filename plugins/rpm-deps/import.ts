/** The calls of `hack/rpm-deps.sh` as options of this plugin: groups, streams and pins. Pure; proves itself by planning again. */
import { findPlatform } from "../../core/index.ts";
import { importMalformed } from "./errors.ts";
import type { GroupOptions, LddOptions, RpmDepsOptions, Spec, StreamChange, TreeAttributes } from "./options.ts";
import type { ScriptCall, Word } from "./shell-script.ts";
import { planTrees } from "./tree.ts";

/** The calls of one stream. */
export interface StreamCalls {
  /** `cs9`. */
  readonly stream: string;
  /** `_cs9`. */
  readonly suffix: string;
  readonly calls: readonly ScriptCall[];
}

/** What Bazel's rules add to a group. */
export interface RuleFacts {
  readonly attributes: (tree: string) => TreeAttributes | undefined;
  readonly ldd: (
    target: string,
  ) => { readonly tree: string; readonly rule: string; readonly libs: readonly string[] } | undefined;
}

/** Options, and what they do not say as the script does. */
export interface Imported {
  readonly options: RpmDepsOptions;
  readonly differences: readonly string[];
}

/** One `rpmtree` call, taken apart. */
interface TreeCall {
  readonly line: number;
  readonly name: string;
  readonly group: string;
  readonly arch: string;
  readonly stream: string;
  readonly basesystem: string;
  readonly repofiles: readonly string[];
  readonly ignore: readonly string[];
  readonly packages: readonly Word[];
}

/** @throws BtError RPM_DEPS_IMPORT when there is no tree */
export function importCalls(streams: readonly StreamCalls[], facts: RuleFacts, file: string): Imported {
  const trees = streams.flatMap(({ stream, suffix, calls }) =>
    calls.flatMap((call) => readTree(call, { stream, suffix })),
  );
  const [first] = trees;
  if (first === undefined) throw importMalformed("it calls no `bazel run … rpmtree`", { where: file });
  const bases = findBases(trees);
  const arches = [...new Set(trees.map(({ arch }) => arch))];
  const order = streams.map(({ stream }) => stream);
  const groups: Record<string, GroupOptions> = {};
  for (const group of new Set(trees.map((tree) => tree.group))) {
    const own = trees.filter((tree) => tree.group === group);
    groups[group] = readGroup(own, { arches, bases, order, facts, streams });
  }
  const options: RpmDepsOptions = {
    streams: Object.fromEntries(
      streams.map(({ stream, suffix }) => [
        stream,
        { repofiles: trees.find((tree) => tree.stream === stream)?.repofiles ?? [], suffix },
      ]),
    ),
    pinsFile: "rpm/pins.json",
    arches,
    basesystem: first.basesystem,
    base: {
      ...readParts(
        trees.filter(({ packages }) => isBased(packages, bases)),
        order,
        (word) => isBase(word, bases),
      ),
    },
    groups,
  };
  return { options, differences: compare(options, trees) };
}

function readTree(call: ScriptCall, { stream, suffix }: { stream: string; suffix: string }): readonly TreeCall[] {
  const start = call.words.findIndex(({ text }) => text === "rpmtree");
  if (start === -1) return [];
  const values = new Map<string, string[]>();
  const packages: Word[] = [];
  const words = call.words.slice(start + 1);
  for (let at = 0; at < words.length; at++) {
    const { text } = words[at]!;
    if (["--name", "--arch", "--basesystem", "--repofile", "--force-ignore-with-dependencies"].includes(text))
      values.set(text, [...(values.get(text) ?? []), words[++at]?.text ?? ""]);
    else if (!text.startsWith("-")) packages.push(words[at]!);
  }
  const name = values.get("--name")?.[0] ?? "";
  const arch = values.get("--arch")?.[0] ?? "x86_64";
  const plain = name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name;
  return [
    {
      line: call.line,
      name,
      arch,
      stream,
      group: plain.endsWith(`_${arch}`) ? plain.slice(0, -arch.length - 1) : plain,
      basesystem: values.get("--basesystem")?.[0] ?? "",
      repofiles: values.get("--repofile") ?? [],
      ignore: values.get("--force-ignore-with-dependencies") ?? [],
      packages,
    },
  ];
}

/** Variables that most groups begin with. */
function findBases(trees: readonly TreeCall[]): ReadonlySet<string> {
  const groups = new Set(trees.map(({ group }) => group));
  const users = new Map<string, Set<string>>();
  for (const { group, packages } of trees)
    for (const { origin } of packages)
      if (origin !== undefined) users.set(origin, (users.get(origin) ?? new Set()).add(group));
  return new Set(
    [...users].flatMap(([origin, own]) => (groups.size > 1 && own.size > groups.size / 2 ? [origin] : [])),
  );
}

function isBase({ origin }: Word, bases: ReadonlySet<string>): boolean {
  return origin !== undefined && bases.has(origin);
}

function isBased(packages: readonly Word[], bases: ReadonlySet<string>): boolean {
  return packages.some((word) => isBase(word, bases));
}

interface Around {
  readonly arches: readonly string[];
  readonly bases: ReadonlySet<string>;
  readonly order: readonly string[];
  readonly facts: RuleFacts;
  readonly streams: readonly StreamCalls[];
}

function readGroup(trees: readonly TreeCall[], { arches, bases, order, facts, streams }: Around): GroupOptions {
  const own = [...new Set(trees.map(({ arch }) => arch))];
  const [first] = trees;
  const attrs = trees.map(({ name }) => facts.attributes(name)).find((found) => found !== undefined);
  const ldd = readLibraries(trees, facts, streams);
  const hasBase = trees.some(({ packages }) => isBased(packages, bases));
  return {
    ...readParts(trees, order, (word) => !isBase(word, bases)),
    ...(own.length === arches.length ? {} : { only: own }),
    ...(hasBase ? {} : { noBase: true }),
    ...(first === undefined || first.ignore.length === 0 ? {} : { forceIgnore: first.ignore }),
    ...(attrs === undefined ? {} : { attrs }),
    ...(ldd.length === 0 ? {} : { ldd }),
  };
}

/** Lists of the first stream, and what the others have otherwise. */
function readParts(
  trees: readonly TreeCall[],
  order: readonly string[],
  counts: (word: Word) => boolean,
): Pick<GroupOptions, "main" | "extra" | "arch" | "streams"> {
  const arches = [...new Set(trees.map(({ arch }) => arch))];
  const list = (
    stream: string | undefined,
    arch: string | undefined,
    part: "main" | "arch" | "extra",
  ): readonly Spec[] => {
    const tree = trees.find((one) => one.stream === stream && (arch === undefined || one.arch === arch));
    return (tree?.packages ?? []).filter((word) => counts(word) && partOf(word) === part).map(({ text }) => text);
  };
  const [first, ...others] = order;
  const archLists = arches.flatMap((arch) => {
    const specs = list(first, arch, "arch");
    return specs.length === 0 ? [] : [[arch, specs] as const];
  });
  const changes = others.flatMap((stream): [string, StreamChange][] => {
    const main = compareLists(list(first, undefined, "main"), list(stream, undefined, "main"));
    const extra = compareLists(list(first, undefined, "extra"), list(stream, undefined, "extra"));
    const byArch = arches.flatMap((arch) => {
      const { add, drop } = compareLists(list(first, arch, "arch"), list(stream, arch, "arch"), false);
      return add === undefined && drop === undefined
        ? []
        : [[arch, { ...(add && { add }), ...(drop && { drop }) }] as const];
    });
    const drop = [...(main.drop ?? []), ...(extra.drop ?? [])];
    const replace = { ...main.replace, ...extra.replace };
    const change: StreamChange = {
      ...(main.add === undefined && extra.add === undefined
        ? {}
        : { add: [...(main.add ?? []), ...(extra.add ?? [])] }),
      ...(drop.length === 0 ? {} : { drop }),
      ...(Object.keys(replace).length === 0 ? {} : { replace }),
      ...(byArch.length === 0 ? {} : { arch: Object.fromEntries(byArch) }),
    };
    return Object.keys(change).length === 0 ? [] : [[stream, change]];
  });
  const extra = list(first, undefined, "extra");
  return {
    main: list(first, undefined, "main"),
    ...(archLists.length === 0 ? {} : { arch: Object.fromEntries(archLists) }),
    ...(extra.length === 0 ? {} : { extra }),
    ...(changes.length === 0 ? {} : { streams: Object.fromEntries(changes) }),
  };
}

/** By the end of the variable's name: `_extra`, `_s390x`. */
function partOf({ origin = "" }: Word): "main" | "arch" | "extra" {
  if (origin.endsWith("_extra")) return "extra";
  const at = origin.lastIndexOf("_");
  const ends = [origin.slice(at + 1), origin.slice(origin.lastIndexOf("_", at - 1) + 1)];
  return at > 0 && ends.some((end) => findPlatform(end) !== undefined) ? "arch" : "main";
}

function compareLists(one: readonly Spec[], two: readonly Spec[], mayReplace = true): StreamChange {
  const differing = one.flatMap((spec, at) => (spec === two[at] ? [] : [[spec, two[at]!] as const]));
  if (differing.length === 0 && one.length === two.length) return {};
  if (mayReplace && one.length === two.length) return { replace: Object.fromEntries(differing) };
  const [add, drop] = [two.filter((spec) => !one.includes(spec)), one.filter((spec) => !two.includes(spec))];
  return { ...(add.length === 0 ? {} : { add }), ...(drop.length === 0 ? {} : { drop }) };
}

function readLibraries(
  trees: readonly TreeCall[],
  facts: RuleFacts,
  streams: readonly StreamCalls[],
): readonly LddOptions[] {
  const found = new Map<string, LddOptions>();
  for (const { stream, calls } of streams)
    for (const { words } of calls) {
      const target = words.at(-1)?.text ?? "";
      const rule = facts.ldd(target);
      const tree = trees.find((one) => one.name === rule?.tree && one.stream === stream);
      if (rule === undefined || tree === undefined) continue;
      const general = (text: string): string => text.replace(tree.arch, "{arch}").replace(stream, "{stream}");
      const key = JSON.stringify([general(rule.rule), general(target), rule.libs]);
      const before = found.get(key)?.streams ?? [];
      const own = [...new Set([...before, stream])];
      found.set(key, { rule: general(rule.rule), target: general(target), libs: rule.libs, streams: own });
    }
  return [...found.values()].map(({ streams: own, ...rest }) =>
    own?.length === streams.length ? rest : { ...rest, ...(own && { streams: own }) },
  );
}

/** Plans the trees and compares them with the script's, word for word. */
function compare(options: RpmDepsOptions, calls: readonly TreeCall[]): readonly string[] {
  const choice = { streams: Object.keys(options.streams), arches: options.arches, only: [] };
  const planned = new Map(planTrees(options, choice).map((tree) => [tree.name, tree]));
  const words = (list: readonly string[]): string => list.join(" ");
  const differences = calls.flatMap((call) => {
    const tree = planned.get(call.name);
    planned.delete(call.name);
    if (tree === undefined) return [`line ${call.line}: ${call.name} is missing`];
    const [ours, theirs] = [words(tree.packages.map(({ spec }) => spec)), words(call.packages.map(({ text }) => text))];
    if (ours !== theirs) return [`line ${call.line}: ${call.name} has "${theirs}", the options give "${ours}"`];
    return words(tree.ignore) === words(call.ignore) ? [] : [`line ${call.line}: ${call.name} ignores other patterns`];
  });
  return [...differences, ...[...planned.keys()].map((name) => `${name} is not in the script`)];
}
