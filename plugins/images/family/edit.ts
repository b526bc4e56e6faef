/** Adds and removes versions: the Dockerfile, and the entry in the table's own text. Does not know engines. */
import * as fs from "node:fs";
import * as path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { replaceFile, type Context } from "../../../core/index.ts";
import { chooseFamily, chooseVersion } from "./choose.ts";
import { dockerfileMissing, editDeclined, versionExists, versionNamed } from "./errors.ts";
import { findPlace, findSource, type TableSource } from "./load-table.ts";
import { dockerfileOf, type Family } from "./options.ts";
import { loadFamily } from "./reload.ts";
import { renderEntry, withEntry, withoutEntry } from "./table-text.ts";
import { resolveTable, rootOf, type Version, type VersionEntry, type VersionTable } from "./table.ts";

type Task = Pick<Context, "root" | "env" | "log"> & { readonly params: Params };
interface Params {
  readonly v?: string | undefined;
  readonly from?: string | undefined;
  readonly family?: string | undefined;
}

/** What `family:new` is about to do. */
interface Addition {
  readonly family: Family;
  readonly model: Version;
  readonly source: TableSource | undefined;
  /** With the table. */
  readonly file: string;
  readonly entry: VersionEntry;
  readonly expected: VersionTable;
  /** Dockerfiles, relative to the root. Absent: the family has a template. */
  readonly copy?: { readonly from: string; readonly to: string };
}

/** @throws BtError IMAGES_FAMILY_VERSION, IMAGES_FAMILY_EXISTS, IMAGES_FAMILY_DOCKERFILE, and those of the table */
export function planAddition(root: string, families: readonly Family[], params: Params): Addition {
  const { v = "", from = "" } = params;
  const family = chooseFamily(families, params.family);
  const model = chooseVersion(family, from);
  const source = findSource(family.name, family.options.versionsFile, root);
  const file = source?.file ?? "builderfile.ts";
  if (family.versions.has(v)) throw versionExists(v, file);
  const entry = entryOf(family, model.version);
  const expected = insertAfter(family.table, from, [v, entry]);
  const find = (version: string | undefined): ReturnType<typeof findPlace> => source && findPlace(source, version);
  const { versions } = resolveTable(expected, { eol: family.options.eol ?? [], find });
  const facts = { family, model, source, file, entry, expected };
  if (family.options.template !== undefined) return facts;
  const copy = {
    from: dockerfileOf(family, rootOf(family.versions, model)),
    to: dockerfileOf(family, versions.get(v) ?? model),
  };
  if (fs.existsSync(path.resolve(root, copy.to))) throw versionExists(v, copy.to);
  if (!fs.existsSync(path.resolve(root, copy.from))) throw dockerfileMissing(model.version, copy.from, find(from));
  return { ...facts, copy };
}

/** A new version after the one it copies. @throws BtError IMAGES_FAMILY_EDIT, and as planAddition() */
export async function addVersion(
  { root, env, log, params }: Task,
  families: readonly Family[],
): Promise<{ readonly version: string; readonly dockerfile?: string }> {
  const { v = "", from = "" } = params;
  const { family, model, source, file, entry, expected, copy } = planAddition(root, families, params);
  const isCopied = family.table[model.version]?.sameAs === undefined;
  const text = source && withEntry(source, { after: from, key: v, ...(isCopied ? {} : { entry }) });
  const snippet = [renderEntry(v, entry, file.endsWith(".json"))];
  const act = (): void => {
    if (copy !== undefined)
      fs.copyFileSync(path.resolve(root, copy.from), path.resolve(root, copy.to), fs.constants.COPYFILE_EXCL);
  };
  const undo = (): void => {
    if (copy !== undefined) fs.rmSync(path.resolve(root, copy.to), { force: true });
  };
  await change({ root, env, family, source, text, expected, snippet }, act, undo);
  log.info(`Added version ${v} to ${file}${copy === undefined ? "" : `, and ${copy.to} as a copy of ${copy.from}`}`);
  const tracks = Object.entries(model.tracks).map(([name, version]) => `${name} (now ${version})`);
  log.info(`Next: set \`tracks\` in ${file}${tracks.length === 0 ? "" : `: ${tracks.join(", ")}`}`);
  log.info(`      compare ${copy?.to ?? "the template"} with the upstream builder and its tool versions`);
  log.info(`      bt ${family.name}_${v}`);
  return { version: v, ...(copy === undefined ? {} : { dockerfile: copy.to }) };
}

/** @throws BtError IMAGES_FAMILY_VERSION, IMAGES_FAMILY_NAMED */
export function planRemoval(
  root: string,
  families: readonly Family[],
  params: Params,
): { readonly family: Family; readonly version: Version; readonly source: TableSource | undefined } {
  const family = chooseFamily(families, params.family);
  const version = chooseVersion(family, params.v ?? "");
  const source = findSource(family.name, family.options.versionsFile, root);
  const users = Object.entries(family.table).flatMap(([key, entry]) =>
    (["sameAs", "bootstrapWith"] as const)
      .filter((field) => key !== version.version && entry[field] === version.version)
      .map((field) => `\`${field}\` of "${key}"`),
  );
  if (family.options.eol?.includes(version.version) === true) users.push("`eol`");
  if (users.length > 0) throw versionNamed(version.version, users, source && findPlace(source, version.version));
  return { family, version, source };
}

/** Takes a version out, unless another one names it. @throws BtError IMAGES_FAMILY_EDIT, and as planRemoval() */
export async function removeVersion({ root, env, log, params }: Task, families: readonly Family[]): Promise<void> {
  const { family, version, source } = planRemoval(root, families, params);
  const name = version.version;
  const file = source?.file ?? "builderfile.ts";
  const { [name]: _, ...expected } = family.table;
  const text = source && withoutEntry(source, name);
  const dockerfile = dockerfileOf(family, version);
  const full = path.resolve(root, dockerfile);
  const others = [...family.versions.values()].filter((other) => other !== version);
  const isUsed = others.some((other) => dockerfileOf(family, rootOf(family.versions, other)) === dockerfile);
  const hasOwn = family.options.template === undefined && version.sameAs === undefined && !isUsed;
  const hasFile = hasOwn && fs.existsSync(full);
  await change({ root, env, family, source, text, expected, snippet: [`Remove the entry "${name}".`] });
  if (hasFile) fs.rmSync(full);
  log.info(`Removed version ${name} from ${file}${hasFile ? `, and ${dockerfile}` : ""}`);
}

/** The options that a copy gets; of a second name, those of the version behind it. */
function entryOf(family: Family, version: string): VersionEntry {
  const { sameAs, ...own } = family.table[version] ?? {};
  return sameAs === undefined ? own : { ...entryOf(family, sameAs), ...own };
}

function insertAfter(table: VersionTable, after: string, entry: readonly [string, VersionEntry]): VersionTable {
  return Object.fromEntries(Object.entries(table).flatMap((one) => (one[0] === after ? [one, entry] : [one])));
}

interface Change {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly family: Family;
  readonly source: TableSource | undefined;
  /** Undefined: the text could not be edited. */
  readonly text: string | undefined;
  readonly expected: VersionTable;
  /** What a person would do instead. */
  readonly snippet: readonly string[];
}

/** Writes the text, loads the project again, and takes everything back unless the table is exactly the expected one. */
async function change(facts: Change, act = (): void => {}, undo = (): void => {}): Promise<void> {
  const { root, env, family, source, text, expected, snippet } = facts;
  const declined = editDeclined(source?.file ?? "builderfile.ts", snippet, source && findPlace(source, undefined));
  if (source === undefined || text === undefined) throw declined;
  const file = path.join(root, source.file);
  act();
  let isDone = false;
  try {
    replaceFile(file, text);
    const loaded = await loadFamily(root, family.name, env).catch(() => undefined);
    isDone = loaded !== undefined && isSameTable(loaded.table, expected);
    if (!isDone) throw declined;
  } finally {
    if (!isDone) {
      replaceFile(file, source.text);
      undo();
    }
  }
}

function isSameTable(one: VersionTable, other: VersionTable): boolean {
  return isDeepStrictEqual(Object.entries(plain(one)), Object.entries(plain(other)));
}

function plain(table: VersionTable): object {
  return JSON.parse(JSON.stringify(table)) as object;
}
