/** Looks for what is wrong between a family's table, its Dockerfiles and its CI jobs. Changes nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { BtError, type Context, type Place } from "../../../core/index.ts";
import { chooseFamilies } from "./choose.ts";
import { compareCi } from "./ci.ts";
import { checkFailed } from "./errors.ts";
import { immutableTagOf, listArgs, readDockerfile } from "./inputs.ts";
import { findPlace, findSource } from "./load-table.ts";
import { argsOf, dockerfileOf, tagsOf, type Family } from "./options.ts";
import { rootOf, type Version } from "./table.ts";

/** One line of `family:check`. */
interface Finding {
  /** `docker/oven_1.Dockerfile:3`. */
  readonly at: string;
  readonly text: string;
  /** Suspicious, but no mistake. */
  readonly isWarning?: boolean;
}

/** @throws BtError IMAGES_FAMILY_CHECK when there is anything but warnings */
export async function check(
  { root, log, params }: Pick<Context, "root" | "log"> & { readonly params: { readonly family?: string | undefined } },
  families: readonly Family[],
): Promise<{ readonly findings: readonly Finding[] }> {
  const findings = chooseFamilies(families, params.family).flatMap((family) => findAll(root, family));
  for (const { at, text, isWarning = false } of findings) {
    if (isWarning) log.warn(`${at}: ${text}`);
    else log.info(`${at}: ${text}`);
  }
  const mistakes = findings.filter(({ isWarning }) => isWarning !== true);
  if (mistakes.length > 0) throw checkFailed(mistakes.length);
  if (findings.length === 0) log.info("No mistakes");
  return { findings };
}

function findAll(root: string, family: Family): readonly Finding[] {
  const source = findSource(family.name, family.options.versionsFile, root);
  const placeOf = (version?: string): string =>
    source === undefined ? "builderfile.ts" : (placeText(findPlace(source, version)) ?? source.file);
  const wrong = family.mistakes.map(({ at, message }) => ({ at: placeText(at) ?? placeOf(), text: message }));
  const versions = [...family.versions.values()];
  const own = versions.filter((version) => rootOf(family.versions, version) === version);
  return [
    ...wrong,
    ...findOrphans(root, family),
    ...own.flatMap((version) => checkDockerfile(root, family, version, placeOf(version.version))),
    ...findEqual(root, family, own),
    ...findSameTags(root, family, versions, placeOf),
    ...findCi(root, family),
  ];
}

/** Dockerfiles that are named as the family's, for versions that are not in the table. */
function findOrphans(root: string, family: Family): readonly Finding[] {
  const [model] = [...family.versions.values()];
  if (model === undefined || family.options.template !== undefined) return [];
  const marker = "VERSION";
  const pattern = dockerfileOf(family, { ...model, version: marker });
  const [prefix = "", suffix, ...more] = path.basename(pattern).split(marker);
  const folder = path.dirname(pattern);
  if (suffix === undefined || more.length > 0 || !fs.existsSync(path.join(root, folder))) return [];
  return fs.readdirSync(path.join(root, folder)).flatMap((name): Finding[] => {
    const version = name.slice(prefix.length, name.length - suffix.length);
    const isOne = name.startsWith(prefix) && name.endsWith(suffix) && name.length > prefix.length + suffix.length;
    if (!isOne || family.versions.has(version)) return [];
    return [{ at: `${path.posix.join(folder, name)}:1`, text: `there is no version "${version}" in the table` }];
  });
}

function checkDockerfile(root: string, family: Family, version: Version, at: string): readonly Finding[] {
  const text = readDockerfile(root, family, version);
  const file = dockerfileOf(family, version);
  if (text === undefined) return [{ at, text: `version "${version.version}" has no Dockerfile "${file}"` }];
  const declared = listArgs(text);
  const undeclared = Object.keys(argsOf(family, version)).filter((name) => !declared.includes(name));
  const isRendered = family.rendered.has(version.version);
  const literal = version.platforms.length > 1 ? findArchWords(text) : [];
  return [
    ...undeclared.map((name) => ({ at, text: `"${file}" does not declare ARG ${name}` })),
    ...literal.map(({ line, word }) => ({
      at: isRendered ? at : `${file}:${line}`,
      text: `"${word}" stands outside of a case or if on TARGETARCH, and the version has ${version.platforms.length} platforms`,
      isWarning: true,
    })),
  ];
}

/** Names of architectures that are not chosen by TARGETARCH or `uname -m`. */
export function findArchWords(text: string): readonly { readonly line: number; readonly word: string }[] {
  let open: string | undefined;
  return text.split("\n").flatMap((line, at) => {
    if (/^\s*#/.test(line)) return [];
    const [, block] = /\b(case|if)\b.*(?:TARGETARCH|TARGETPLATFORM|uname\s+-m)/.exec(line) ?? [];
    if (block !== undefined) open = block === "case" ? "esac" : "fi";
    const isInside = open !== undefined;
    if (open !== undefined && new RegExp(`\\b${open}\\b`).test(line)) open = undefined;
    const [word] = /(?<![\w.])(x86_64|amd64|aarch64|arm64|ppc64le|s390x)(?![\w.])/.exec(line) ?? [];
    return isInside || word === undefined ? [] : [{ line: at + 1, word }];
  });
}

function findEqual(root: string, family: Family, own: readonly Version[]): readonly Finding[] {
  const first = new Map<string, Version>();
  return own.flatMap((version): Finding[] => {
    const text = readDockerfile(root, family, version);
    if (text === undefined) return [];
    const same = JSON.stringify([text, argsOf(family, version)]);
    const other = first.get(same);
    first.set(same, other ?? version);
    if (other === undefined) return [];
    const text2 = `duplicate: equal to "${dockerfileOf(family, other)}"; give version "${version.version}" \`sameAs: "${other.version}"\``;
    return [{ at: `${dockerfileOf(family, version)}:1`, text: text2 }];
  });
}

function findSameTags(
  root: string,
  family: Family,
  versions: readonly Version[],
  placeOf: (version: string) => string,
): readonly Finding[] {
  const owners = new Map<string, string>();
  return versions.flatMap((version) => {
    const immutable = immutableTagOf(root, family, version);
    const tags = [...tagsOf(family, version), ...(immutable === undefined ? [] : [immutable])];
    return [...new Set(tags)].flatMap((tag): Finding[] => {
      const owner = owners.get(tag);
      if (owner === undefined) owners.set(tag, version.version);
      if (owner === undefined) return [];
      return [{ at: placeOf(version.version), text: `tag "${tag}" is also that of version "${owner}"` }];
    });
  });
}

function findCi(root: string, family: Family): readonly Finding[] {
  const { file } = family.options.ci ?? {};
  if (file === undefined) return [];
  try {
    const { line } = compareCi(root, family, file);
    return line === undefined ? [] : [{ at: `${file}:${line}`, text: "the CI jobs are not what the table says" }];
  } catch (error) {
    if (error instanceof BtError) return [{ at: file, text: error.message }];
    throw error;
  }
}

function placeText(place: Place | undefined): string | undefined {
  return place === undefined ? undefined : [place.where, place.line].filter((part) => part !== undefined).join(":");
}
