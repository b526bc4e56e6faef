/** Reads a family's table, from the builderfile's own literal or a JSON file, with the place of every entry. Does not know tasks. */
import * as fs from "node:fs";
import { noteRead, type Place } from "../../../core/index.ts";
import { findVersions, placeAt, readObject, skipSpace, type Literal } from "./literal.ts";
import { keyTwice, tableMalformed, tableMissing, tablesBoth, type Finder } from "./table-errors.ts";
import type { FamilyOptions } from "./options.ts";
import type { VersionTable } from "./table.ts";

/** Names that a builderfile has, in the order bt looks for them. */
const builderfiles = ["builderfile.ts", "builderfile.mts", "builderfile.js", "builderfile.mjs"];

/** Text that holds the table, and where in it. */
export interface TableSource {
  /** Relative to the root. */
  readonly file: string;
  readonly text: string;
  /** Undefined: the table is not written as plain `key: value`. */
  readonly literal: Literal | undefined;
}

/**
 * The table, and a function that finds its entries. Relative to `root`; bt has made the project's its working folder.
 * @throws BtError IMAGES_FAMILY_TABLE, IMAGES_FAMILY_FILE, IMAGES_FAMILY_JSON, IMAGES_FAMILY_TWICE
 */
export function loadTable(
  name: string,
  { versions, versionsFile }: FamilyOptions,
  root = ".",
): { readonly table: VersionTable; readonly find: Finder } {
  if ((versions === undefined) === (versionsFile === undefined))
    throw tablesBoth(name, versions === undefined ? "none" : "both");
  const source = findSource(name, versionsFile, root);
  const table = versions ?? parseTable(versionsFile ?? "", source);
  const find: Finder = (version) => (source === undefined ? undefined : findPlace(source, version));
  const { entries = [] } = source?.literal ?? {};
  for (const [at, { key, start }] of entries.entries()) {
    const first = entries.findIndex((entry) => entry.key === key);
    if (first === at || source === undefined) continue;
    throw keyTwice(key, placeOf(source, entries[first]?.start ?? 0), placeOf(source, start));
  }
  return { table, find };
}

/** The file with the table. Undefined: there is none, or it cannot be told which. */
export function findSource(name: string, versionsFile: string | undefined, root = "."): TableSource | undefined {
  for (const file of versionsFile === undefined ? builderfiles : [versionsFile]) {
    const text = findText(`${root}/${file}`);
    if (versionsFile !== undefined) noteRead(file);
    if (text === undefined) continue;
    const literal = versionsFile === undefined ? findVersions(text, name) : readObject(text, skipSpace(text, 0));
    return { file, text, literal };
  }
  return undefined;
}

/** Where the entry of a version is; without one, the table. */
export function findPlace(source: TableSource, version: string | undefined): Place | undefined {
  const { literal } = source;
  if (literal === undefined) return undefined;
  const entry = literal.entries.findLast(({ key }) => key === version);
  return placeOf(source, entry?.start ?? literal.open);
}

function placeOf({ file, text }: TableSource, offset: number): Place {
  return { where: file, ...placeAt(text, offset) };
}

function parseTable(file: string, source: TableSource | undefined): VersionTable {
  if (source === undefined) throw tableMissing(file);
  let table: unknown;
  try {
    table = JSON.parse(source.text);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const [, position] = /position (\d+)/.exec(problem) ?? [];
    const offset = position === undefined ? source.text.trimEnd().length : Number(position);
    throw tableMalformed(file, problem.replace(/ in JSON at position.*| \(line.*/, ""), placeOf(source, offset));
  }
  if (typeof table !== "object" || table === null || Array.isArray(table))
    throw tableMalformed(file, "it is no object", { where: file, line: 1 });
  return table as VersionTable; // Checked field by field in resolveTable().
}

function findText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
