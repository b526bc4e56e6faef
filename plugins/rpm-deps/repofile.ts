/** `repo.yaml`: lists of rpm repositories. Does not know what is in them. */
import { readFile } from "node:fs/promises";
import * as path from "node:path";
import type { Place } from "../../core/index.ts";
import { parseText, type Located } from "./document.ts";
import { repofileMalformed, repofileMissing } from "./errors.ts";

/** One repository of a list. */
export interface Repository {
  readonly name: string;
  /** rpm's name; absent: for every architecture. */
  readonly arch?: string;
  /** With a slash at its end. Absent: only a metalink is known. */
  readonly baseurl?: string;
  readonly metalink?: string;
  /** Bases of the addresses of rpms, instead of `baseurl`. */
  readonly mirrors: readonly string[];
  /** Address of its public keys. */
  readonly gpgkey?: string;
  readonly isDisabled: boolean;
  /** Lower wins. */
  readonly priority: number;
  readonly place: Place;
}

/** One file, and what in it is strange but no mistake. */
export interface RepositoryList {
  /** As it was given, relative to the project root. */
  readonly file: string;
  readonly text: string;
  readonly repositories: readonly Repository[];
  readonly warnings: readonly string[];
  /** Offsets of each repository in the text, in the same order. */
  readonly ranges: readonly (readonly [start: number, end: number])[];
}

const known = ["name", "arch", "baseurl", "metalink", "mirrors", "gpgkey", "disabled", "priority"];

/** @throws BtError RPM_DEPS_REPOFILE_MISSING, RPM_DEPS_REPOFILE_MALFORMED */
export async function loadRepositoryList(root: string, file: string): Promise<RepositoryList> {
  let text: string;
  try {
    text = await readFile(path.resolve(root, file), "utf8");
  } catch (error) {
    throw repofileMissing(file, error);
  }
  return parseRepositoryList(text, file);
}

/** @throws BtError RPM_DEPS_REPOFILE_MALFORMED */
function parseRepositoryList(text: string, file: string): RepositoryList {
  const parsed = parseText(text, file);
  if ("problem" in parsed) throw repofileMalformed(file, parsed.problem, parsed.place);
  const list = parsed.root.entries.find(({ key }) => key === "repositories")?.value;
  if (list === undefined || !Array.isArray(list.value))
    throw repofileMalformed(file, "it has no list `repositories`", parsed.root.place);
  const warnings: string[] = [];
  const repositories = list.items.map((item) => readRepository(item, file, warnings));
  for (const { key, place } of parsed.root.entries)
    if (key !== "repositories") warnings.push(`${file}:${place.line}: unknown key "${key}" is ignored`);
  return { file, text, repositories, warnings, ranges: list.items.map(({ range }) => range) };
}

function readRepository(item: Located, file: string, warnings: string[]): Repository {
  const find = (key: string): Located | undefined => item.entries.find((entry) => entry.key === key)?.value;
  const refuse = (problem: string, place: Place = item.place): never => {
    throw repofileMalformed(file, problem, place);
  };
  const name = find("name")?.value;
  if (typeof name !== "string" || name === "") return refuse("a repository has no `name`");
  const text = (key: string): string | undefined => {
    const found = find(key);
    if (found === undefined || found.value === null || found.value === "") return undefined;
    return typeof found.value === "string" ? found.value : refuse(`\`${key}\` of "${name}" is no text`, found.place);
  };
  const address = (key: string): string | undefined => {
    const url = text(key);
    if (url === undefined || isDisabled === true || /^(?:https?|file):/i.test(url)) return url;
    return refuse(
      `\`${key}\` of "${name}" is "${url}", and has to begin with http:, https: or file:`,
      find(key)?.place,
    );
  };
  const mirrors = find("mirrors");
  const listed: unknown = mirrors?.value ?? [];
  if (!Array.isArray(listed) || !listed.every((one) => typeof one === "string"))
    return refuse(`\`mirrors\` of "${name}" is no list of addresses`, mirrors?.place);
  const isDisabled = find("disabled")?.value ?? false;
  if (typeof isDisabled !== "boolean")
    return refuse(`\`disabled\` of "${name}" is neither true nor false`, find("disabled")?.place);
  const priority = find("priority")?.value ?? 0;
  if (!Number.isInteger(priority))
    return refuse(`\`priority\` of "${name}" is no whole number`, find("priority")?.place);
  const [baseurl, metalink, arch, gpgkey] = [address("baseurl"), text("metalink"), text("arch"), address("gpgkey")];
  if (baseurl === undefined && metalink === undefined)
    return refuse(`repository "${name}" has neither \`baseurl\` nor \`metalink\``);
  for (const { key, place } of item.entries)
    if (!known.includes(key))
      warnings.push(`${file}:${place.line}: unknown key "${key}" of repository "${name}" is ignored`);
  return {
    name,
    isDisabled,
    priority: Number(priority),
    mirrors: listed.map(withSlash),
    place: item.place,
    ...(baseurl === undefined ? {} : { baseurl: withSlash(baseurl) }),
    ...(metalink === undefined ? {} : { metalink }),
    ...(arch === undefined ? {} : { arch }),
    ...(gpgkey === undefined ? {} : { gpgkey }),
  };
}

function withSlash(url: string): string {
  return url.endsWith("/") ? url : `${url}/`;
}
