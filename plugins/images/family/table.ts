/** The table of versions of an image family: its types, its defaults, and what can be wrong with it. Pure; does not know files or engines. */
import { findPlatform, platformTable, type BtError } from "../../../core/index.ts";
import {
  chainBroken,
  entryMalformed,
  entryNameUnknown,
  fieldUnknown,
  keyMalformed,
  platformMalformed,
  sameAsAlone,
  tableEmpty,
  type Finder,
} from "./table-errors.ts";

/** One version as it is written in the table. */
export interface VersionEntry {
  /** Upstream versions that it follows; shown, never built in. */
  readonly tracks?: Readonly<Record<string, string>>;
  /** `linux/arm64`; more than one makes it a multi-architecture version. Default: `PLATFORMS`. */
  readonly platforms?: readonly string[];
  /** Build arguments; the Dockerfile declares each as ARG. */
  readonly args?: Readonly<Record<string, string>>;
  /** A version that this one is another name of: built once, tagged for both. */
  readonly sameAs?: string;
  /** Version whose image the CI jobs of this one run in. Default: its own. */
  readonly bootstrapWith?: string;
  /** Of its CI jobs: `4h`, `90m`. Default: `2h`. */
  readonly timeout?: string;
}
export type VersionTable = Readonly<Record<string, VersionEntry>>;

/** A version with its defaults filled in. */
export interface Version {
  readonly version: string;
  readonly tracks: Readonly<Record<string, string>>;
  readonly platforms: readonly string[];
  /** False: they are the default, which `PLATFORMS` changes. */
  readonly hasPlatforms: boolean;
  readonly args: Readonly<Record<string, string>>;
  readonly sameAs?: string;
  readonly bootstrapWith: string;
  readonly timeout: string;
  /** No longer supported: no part of the aggregates, no CI jobs. */
  readonly isEol: boolean;
}

/** `PLATFORMS` where nobody says anything. */
export const defaultPlatforms: readonly string[] = ["linux/arm64", "linux/amd64"];
const defaultTimeout = "2h";
const fields = ["tracks", "platforms", "args", "sameAs", "bootstrapWith", "timeout"];

/** A table with its defaults, and what is wrong with the names in it. */
export interface ResolvedTable {
  /** In declared order. A `sameAs` that leads nowhere is left out. */
  readonly versions: ReadonlyMap<string, Version>;
  readonly mistakes: readonly BtError[];
}

/**
 * What `sameAs` names lends its platforms and arguments.
 * @throws BtError IMAGES_FAMILY_…: the first entry that is none, placed by `find`
 */
export function resolveTable(
  table: VersionTable,
  { eol, find }: { readonly eol: readonly string[]; readonly find: Finder },
): ResolvedTable {
  const keys = Object.keys(table);
  if (keys.length === 0) throw tableEmpty(find(undefined));
  for (const key of keys) checkEntry(key, table[key], find);
  const unknown = eol.filter((name) => !keys.includes(name));
  const mistakes = [
    ...keys.flatMap((key) => findMistakes(key, table, find)),
    ...unknown.map((name) => entryNameUnknown({ field: "eol", name, known: keys }, find(undefined))),
  ];
  return { versions: new Map(keys.map((key) => [key, fillEntry(key, table, eol)])), mistakes };
}

/** The version whose Dockerfile a version is built from. */
export function rootOf(versions: ReadonlyMap<string, Version>, version: Version): Version {
  const next = version.sameAs === undefined ? undefined : versions.get(version.sameAs);
  return next === undefined ? version : rootOf(versions, next);
}

function fillEntry(version: string, table: VersionTable, eol: readonly string[]): Version {
  const own = table[version] ?? {};
  const root = table[followSameAs(version, table)] ?? {};
  return {
    version,
    tracks: own.tracks ?? {},
    platforms: root.platforms ?? defaultPlatforms,
    hasPlatforms: root.platforms !== undefined,
    args: root.args ?? {},
    ...(isSound(version, table) ? { sameAs: own.sameAs ?? "" } : {}),
    bootstrapWith: own.bootstrapWith ?? version,
    timeout: own.timeout ?? defaultTimeout,
    isEol: eol.includes(version),
  };
}

function followSameAs(version: string, table: VersionTable): string {
  const next = table[version]?.sameAs;
  return next === undefined || !isSound(version, table) ? version : followSameAs(next, table);
}

/** Whether `sameAs` is there and leads to a version that is built. */
function isSound(version: string, table: VersionTable): boolean {
  const seen = new Set([version]);
  for (let at = table[version]?.sameAs; at !== undefined; at = table[at]?.sameAs) {
    if (table[at] === undefined || seen.has(at)) return false;
    seen.add(at);
  }
  return seen.size > 1;
}

function checkEntry(key: string, entry: unknown, find: Finder): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(key)) throw keyMalformed(key, find(key));
  if (!isRecord(entry)) throw entryMalformed(key, { field: undefined, allowed: "a record" }, find(key));
  for (const field of Object.keys(entry))
    if (!fields.includes(field)) throw fieldUnknown({ field, of: `version "${key}"`, known: fields }, find(key));
  for (const field of ["tracks", "args"])
    if (entry[field] !== undefined && !(isRecord(entry[field]) && Object.values(entry[field]).every(isText)))
      throw entryMalformed(key, { field, allowed: "a record of texts" }, find(key));
  for (const field of ["sameAs", "bootstrapWith"])
    if (entry[field] !== undefined && !isText(entry[field]))
      throw entryMalformed(key, { field, allowed: "the name of a version" }, find(key));
  const { timeout, platforms } = entry;
  if (timeout !== undefined && !(isText(timeout) && timeout !== "" && /^(\d+h)?(\d+m)?(\d+s)?$/.test(timeout)))
    throw entryMalformed(key, { field: "timeout", allowed: 'a duration such as "2h" or "90m"' }, find(key));
  if (platforms === undefined) return;
  if (!Array.isArray(platforms) || platforms.length === 0)
    throw entryMalformed(key, { field: "platforms", allowed: "a list of platforms" }, find(key));
  for (const platform of platforms) checkPlatform(platform, find(key));
}

/** @throws BtError IMAGES_FAMILY_PLATFORM */
export function checkPlatform(platform: unknown, at: ReturnType<Finder>): void {
  const isKnown = isText(platform) && /^linux\/[^/]+(\/[^/]+)?$/.test(platform) && findPlatform(platform) !== undefined;
  if (!isKnown)
    throw platformMalformed(
      String(platform),
      platformTable.map(({ arch }) => `linux/${arch}`),
      at,
    );
}

function findMistakes(key: string, table: VersionTable, find: Finder): readonly BtError[] {
  const entry = table[key] ?? {};
  const known = Object.keys(table);
  const wrong = (["sameAs", "bootstrapWith"] as const).flatMap((field): BtError[] => {
    const name = entry[field];
    if (name !== undefined && !known.includes(name)) return [entryNameUnknown({ field, name, known }, find(key))];
    const chain = findCircle(key, table, field);
    return chain === undefined ? [] : [chainBroken(field, chain, find(key))];
  });
  const own = ["args", "platforms"].find((field) => field in entry);
  if (entry.sameAs === undefined || own === undefined) return wrong;
  return [...wrong, sameAsAlone({ key, field: own, target: entry.sameAs }, find(key))];
}

/** The names of a circle through `key`, which is also its end. A version may name itself in `bootstrapWith`. */
function findCircle(
  key: string,
  table: VersionTable,
  field: "sameAs" | "bootstrapWith",
): readonly string[] | undefined {
  const chain = [key];
  for (let next = table[key]?.[field]; next !== undefined; next = table[next]?.[field]) {
    if (next === chain.at(-1) && field === "bootstrapWith") return undefined;
    if (chain.includes(next)) return next === key ? [...chain, next] : undefined;
    chain.push(next);
  }
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
