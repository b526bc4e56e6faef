/** The entries of an index in one form, whichever form the builderfile has. Pure; knows no network and no files. */
import { isTask, parsePlatform, type Arch, type Need, type NeedInput, type TaskBase } from "../../core/index.ts";
import { entriesEmpty, platformTwice, platformsDiffer } from "./errors.ts";
import type { ImageSource, ImageTask, IndexEntry, IndexSpec } from "./options.ts";

/** One platform of an index. */
export interface Entry {
  readonly arch: Arch;
  readonly source: ImageSource;
  readonly rewriteConfig: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * The entries in order.
 * @throws BtError PLATFORM_UNKNOWN, MANIFEST_ENTRIES_EMPTY, MANIFEST_PLATFORM_TWICE
 */
export function listEntries(name: string, spec: Pick<IndexSpec, "entries">): readonly Entry[] {
  const entries = toList(spec.entries).map(({ platform, source, rewriteConfig = false, annotations }) => ({
    arch: parsePlatform(platform).arch,
    source,
    rewriteConfig,
    ...(annotations && { annotations }),
  }));
  if (entries.length === 0) throw entriesEmpty(name, isTask(spec.entries) ? "task" : "list");
  const twice = entries.find(({ arch }, n) => entries.findIndex((one) => one.arch === arch) !== n);
  if (twice !== undefined) throw platformTwice(name, twice.arch);
  return entries;
}

/**
 * Asks that the platforms of a spec are known, single, and the required ones.
 * @throws BtError PLATFORM_UNKNOWN, MANIFEST_ENTRIES_EMPTY, MANIFEST_PLATFORM_TWICE, MANIFEST_PLATFORMS_DIFFER
 */
export function checkPlatforms(
  spec: { readonly name: string; readonly entries: readonly { readonly platform: string }[] } & Pick<
    IndexSpec,
    "requirePlatforms" | "allowMissing"
  >,
): void {
  const found = spec.entries.map((entry) => parsePlatform(entry.platform).arch);
  if (found.length === 0) throw entriesEmpty(spec.name, "list");
  const twice = found.find((arch, n) => found.indexOf(arch) !== n);
  if (twice !== undefined) throw platformTwice(spec.name, twice);
  if (spec.requirePlatforms === undefined) return;
  const required = spec.requirePlatforms.map((name) => parsePlatform(name).arch);
  const allowed = (spec.allowMissing ?? []).map((name) => parsePlatform(name).arch);
  const missing = required.filter((arch) => !found.includes(arch) && !allowed.includes(arch));
  const extra = found.filter((arch) => !required.includes(arch));
  if (missing.length > 0 || extra.length > 0) throw platformsDiffer(spec.name, missing, extra);
}

/** What an entry that is built in this run needs. Undefined: it comes from elsewhere. */
export function needOf(entry: Entry): NeedInput | undefined {
  return "task" in entry.source ? cellOf(entry.source.task, entry.arch) : undefined;
}

/** The reference of an entry that comes from elsewhere. Undefined: it is built in this run. */
export function referenceOf(source: ImageSource): string | undefined {
  if ("ref" in source && !("layout" in source)) return source.ref;
  if ("storage" in source) return `containers-storage:${source.storage}`;
  if ("task" in source) return undefined;
  const { layout, ref, digest } = source;
  return `oci:${layout}${digest === undefined ? (ref === undefined ? "" : `:${ref}`) : `@${digest}`}`;
}

function toList(entries: IndexSpec["entries"]): readonly IndexEntry[] {
  if (isTask(entries))
    return cellsOf(entries).map((platform) => ({ platform, source: { task: entries as ImageTask } }));
  if (isList(entries)) return entries;
  return Object.entries(entries).map(([platform, source]) => ({ platform, source }));
}

function isList(entries: IndexSpec["entries"]): entries is readonly IndexEntry[] {
  return Array.isArray(entries);
}

/** Values of the only axis of a task with cells. */
function cellsOf(task: TaskBase): readonly string[] {
  const [axis, other] = Object.values(task.matrix ?? {});
  return axis === undefined || other !== undefined ? [] : axis;
}

/** The platform's own cell of a task that has one; otherwise the task as a whole. */
function cellOf(task: ImageTask, arch: Arch): NeedInput {
  if (!isTask(task)) return task;
  const cell = cellsOf(task).find((value) => value === arch);
  return cell === undefined ? task : (task as { readonly cell: (name: string) => Need }).cell(cell);
}
