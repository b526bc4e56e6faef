/** Which tags a release copies and which indexes it joins. Pure; copies nothing. */
import { releaseName, tagsDiffer, versionMissing } from "./errors.ts";
import type { Family } from "./family.ts";
import { taskOf } from "./ci-plan.ts";
import { findStage, nameOf, platformsOf, tagSuffix, timeOf, type Stage } from "./stage.ts";
import type { Versions } from "./version-store.ts";

/** One tag of a release. */
export interface ReleaseRow {
  readonly key: string;
  /** More than one: they are joined to an index. */
  readonly sources: readonly string[];
  readonly target: string;
  readonly platforms: readonly string[];
}

export interface Release {
  readonly name: string;
  readonly rows: readonly ReleaseRow[];
}

export interface ReleaseRequest {
  readonly family: Family;
  readonly versions: Versions;
  readonly registry: string;
  readonly ciSuffix: string;
  /** `main`, or `v` and a version. */
  readonly name: string;
  /** Instead of the times in the table. */
  readonly to?: string;
}

interface Entry {
  readonly key: string;
  readonly stage: Stage;
  readonly time: string;
  /** Value of the table. */
  readonly value: string;
}

/** @throws BtError KERNEL_ROOTFS_RELEASE_NAME, KERNEL_ROOTFS_TAG_MALFORMED, KERNEL_ROOTFS_TAGS_DIFFER, KERNEL_ROOTFS_VERSION_MISSING */
export function planRelease(request: ReleaseRequest): Release {
  const { family, versions, name, to } = request;
  if (name !== "main" && !/^v\d[\w.-]*$/.test(name)) throw releaseName(name);
  const entries = [...versions].flatMap(([key, { tag }]): Entry[] => {
    const stage = findStage(key, family);
    if (stage === undefined) return [];
    const time = to ?? timeOf(key, tag, stage);
    return [{ key, stage, time, value: `${time}${tagSuffix(stage)}` }];
  });
  if (entries.length === 0) throw versionMissing("kernel-builder", taskOf("kernel-builder"));
  const copies = entries.flatMap((entry) => copyRows(entry, request));
  return { name, rows: [...copies, ...indexRows(entries, request)] };
}

function copyRows({ key, stage, value }: Entry, { registry, ciSuffix, name }: ReleaseRequest): readonly ReleaseRow[] {
  const { name: repository, prefix } = nameOf(stage);
  const row = (target: string): ReleaseRow => ({
    key,
    sources: [`${registry}/${repository}${ciSuffix}:${prefix}${value}`],
    target: `${registry}/${repository}:${target}`,
    platforms: platformsOf(stage),
  });
  return [row(`${prefix}${name}${tagSuffix(stage)}`), ...(name === "main" ? [row(`${prefix}${value}`)] : [])];
}

/** Joins what was built for each architecture. */
function indexRows(entries: readonly Entry[], request: ReleaseRequest): readonly ReleaseRow[] {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { stage } = entry;
    const group =
      stage.kind === "root-images"
        ? `root-images/${stage.suite}`
        : stage.kind === "flavor" && stage.isTagged
          ? `${stage.flavor}/${stage.kernel.name}`
          : undefined;
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), entry]);
  }
  return [...groups].flatMap(([group, members]) => joinRows(group, members, request));
}

function joinRows(
  key: string,
  members: readonly Entry[],
  { registry, ciSuffix, name }: ReleaseRequest,
): readonly ReleaseRow[] {
  const [{ stage, time } = { stage: { kind: "kernel-builder" } as Stage, time: "" }] = members;
  const { name: repository, prefix } = nameOf(stage);
  const suffix = stage.kind === "root-images" ? `-${stage.suite}` : "";
  const row = (tag: string): ReleaseRow => ({
    key,
    sources: members.map(({ value }) => `${registry}/${repository}${ciSuffix}:${prefix}${value}`),
    target: `${registry}/${repository}:${prefix}${tag}${suffix}`,
    platforms: members.flatMap((one) => platformsOf(one.stage)),
  });
  if (name !== "main") return [row(name)];
  const times = [...new Set(members.map((one) => one.time))];
  if (times.length > 1)
    throw tagsDiffer(
      key,
      members.map(({ value }) => value),
    );
  return [row(name), row(time)];
}

/** `SRC -> DST`, one a line. */
export function renderRelease({ rows }: Release): readonly string[] {
  return rows.map(({ sources, target }) => `${sources.join(" + ")} -> ${target}`);
}
