/** The trees that a builderfile asks for: one for each group, architecture and stream. Pure; does not know what exists. */
import { parsePlatform } from "../../core/index.ts";
import { optionsInvalid, pinUnknown, specMalformed } from "./errors.ts";
import type { BaseOptions, GroupOptions, RpmDepsOptions, Spec, StreamChange, TreeAttributes } from "./options.ts";
import { findWanted, type Wanted } from "./spec.ts";

/** One `rpmtree` rule to be. */
export interface Tree {
  /** `launcherbase_s390x_cs9`. */
  readonly name: string;
  readonly group: string;
  readonly stream: string;
  /** rpm's name. */
  readonly arch: string;
  /** In the order in which the backend gets them. */
  readonly packages: readonly Wanted[];
  readonly basesystem: string;
  readonly ignore: readonly string[];
  readonly attributes: TreeAttributes;
  readonly ldd: readonly { readonly rule: string; readonly target: string; readonly libs: readonly string[] }[];
}

/** Which of them. */
export interface TreeChoice {
  readonly streams: readonly string[];
  /** In any spelling. */
  readonly arches: readonly string[];
  /** Names of pins and groups. Empty: all. */
  readonly only: readonly string[];
  readonly basesystem?: string;
}

/**
 * The trees in the order of streams, architectures and groups.
 * @throws BtError RPM_DEPS_OPTIONS, RPM_DEPS_SPEC_MALFORMED, RPM_DEPS_PIN_UNKNOWN for a name in `only`
 */
export function planTrees(options: RpmDepsOptions, choice: TreeChoice): readonly Tree[] {
  checkTreeOptions(options);
  const names = [...Object.keys(options.groups), ...pinNames(options)];
  for (const name of choice.only) if (!names.includes(name)) throw pinUnknown(name, names);
  const arches = choice.arches.map((arch) => parsePlatform(arch).rpm);
  const all = choice.streams.flatMap((stream) =>
    arches.flatMap((arch) =>
      Object.entries(options.groups)
        .filter(([, group]) => hasArch(group, arch))
        .map(([name, group]) => planTree({ options, choice, stream, arch }, name, group)),
    ),
  );
  if (choice.only.length === 0) return all;
  return all.filter(
    (tree) =>
      choice.only.includes(tree.group) ||
      tree.packages.some(({ pin }) => pin !== undefined && choice.only.includes(pin)),
  );
}

/** The pins that groups name, sorted; needs no file. Malformed specs count for nothing. */
export function pinNames(options: Pick<RpmDepsOptions, "base" | "groups">): readonly string[] {
  const lists = [options.base, ...Object.values(options.groups)].flatMap((group) =>
    group === undefined ? [] : specsOf(group),
  );
  return [...new Set(lists.flatMap((spec) => findWanted(spec)?.pin ?? []))].sort();
}

/** The name of a tree without its stream: `launcherbase_s390x`. */
export function plainName(tree: Pick<Tree, "group" | "arch">): string {
  return `${tree.group}_${tree.arch}`;
}

function specsOf(group: BaseOptions | GroupOptions): readonly Spec[] {
  const changes = Object.values(group.streams ?? {}).flatMap((change) => [
    ...(change.add ?? []),
    ...Object.values(change.replace ?? {}),
    ...Object.values(change.arch ?? {}).flatMap(({ add }) => add ?? []),
  ]);
  const own = "arch" in group ? Object.values(group.arch ?? {}).flat() : [];
  return [...group.main, ...(group.extra ?? []), ...own, ...changes];
}

function checkTreeOptions(options: RpmDepsOptions): void {
  const streams = Object.keys(options.streams);
  if (streams.length === 0) throw optionsInvalid("`streams` is empty", "Name at least one stream.");
  const suffixes = new Map<string, string>();
  for (const [stream, { suffix }] of Object.entries(options.streams)) {
    // Builderfiles are not checked by the compiler when bt reads them.
    if (typeof suffix !== "string")
      throw optionsInvalid(`The stream "${stream}" has no \`suffix\``, 'Give it one, such as "_cs9", or "" for none.');
    const other = suffixes.get(suffix);
    if (other !== undefined)
      throw optionsInvalid(
        `The streams "${other}" and "${stream}" have the same suffix, "${suffix}", so their trees would have the same names`,
        "Give one of them another suffix.",
      );
    suffixes.set(suffix, stream);
  }
  const change = (where: string, group: BaseOptions): void => {
    const unknown = Object.keys(group.streams ?? {}).find((stream) => !streams.includes(stream));
    if (unknown !== undefined)
      throw optionsInvalid(
        `${where} names the stream "${unknown}", which is none of ${streams.join(", ")}`,
        "Declare it in `streams`, or remove it there.",
      );
  };
  if (options.base !== undefined) change("`base`", options.base);
  for (const [name, group] of Object.entries(options.groups)) {
    change(`Group "${name}"`, group);
    for (const pattern of group.forceIgnore ?? [])
      if (!isPattern(pattern))
        throw optionsInvalid(
          `Group "${name}" ignores "${pattern}", which is no regular expression`,
          "Correct the pattern in `forceIgnore`.",
        );
  }
}

/** Go's and JavaScript's syntax differ in what such patterns do not use. */
function isPattern(text: string): boolean {
  try {
    return new RegExp(text.replace(/^\(\?[a-z]+\)/, "")) instanceof RegExp;
  } catch {
    return false;
  }
}

function hasArch(group: GroupOptions, arch: string): boolean {
  return group.only === undefined || group.only.some((one) => parsePlatform(one).rpm === arch);
}

interface Cell {
  readonly options: RpmDepsOptions;
  readonly choice: TreeChoice;
  readonly stream: string;
  readonly arch: string;
}

function planTree({ options, choice, stream, arch }: Cell, name: string, group: GroupOptions): Tree {
  const { base } = options;
  const parts = { stream, arch };
  const specs = [
    ...(group.noBase === true || base === undefined
      ? []
      : [...changed(base.main, base, parts, "main"), ...changed(base.extra ?? [], base, parts, "rest")]),
    ...changed(group.main, group, parts, "main"),
    ...changed(archSpecs(group.arch, arch), group, parts, "arch"),
    ...changed(group.extra ?? [], group, parts, "rest"),
  ];
  const { suffix = "" } = options.streams[stream] ?? {};
  const fill = (text: string): string => text.replaceAll("{arch}", arch).replaceAll("{stream}", stream);
  return {
    name: `${name}_${arch}${suffix}`,
    group: name,
    stream,
    arch,
    packages: specs.map((spec) => {
      const wanted = findWanted(spec);
      if (wanted === undefined) throw specMalformed(name, spec);
      return wanted;
    }),
    basesystem: choice.basesystem ?? options.basesystem ?? "centos-stream-release",
    ignore: group.forceIgnore ?? [],
    attributes: group.attrs ?? {},
    ldd: (group.ldd ?? [])
      .filter(({ streams }) => streams?.includes(stream) ?? true)
      .map(({ rule, target = "//rpm:ldd_{arch}_{stream}", libs }) => {
        return { rule: fill(rule), target: fill(target), libs };
      }),
  };
}

/** One list of a group as a stream has it; what is added comes after the main packages, or after those of the architecture. */
function changed(
  specs: readonly Spec[],
  group: BaseOptions,
  { stream, arch }: { readonly stream: string; readonly arch: string },
  part: "main" | "arch" | "rest",
): readonly Spec[] {
  const change: StreamChange = group.streams?.[stream] ?? {};
  const own = Object.entries(change.arch ?? {}).filter(([name]) => parsePlatform(name).rpm === arch);
  const dropped = [...(change.drop ?? []), ...own.flatMap(([, { drop }]) => drop ?? [])];
  return [
    ...specs.filter((spec) => !dropped.includes(spec)).map((spec) => change.replace?.[spec] ?? spec),
    ...(part === "main" ? (change.add ?? []) : []),
    ...(part === "arch" ? own.flatMap(([, { add }]) => add ?? []) : []),
  ];
}

function archSpecs(lists: Readonly<Record<string, readonly Spec[]>> | undefined, arch: string): readonly Spec[] {
  return Object.entries(lists ?? {}).flatMap(([name, specs]) => (parsePlatform(name).rpm === arch ? specs : []));
}
