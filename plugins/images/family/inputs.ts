/** What an image of a family is made of: its files, and one hash over all of it that is the same on every machine. Starts nothing. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { argUndeclared, dockerfileMissing } from "./errors.ts";
import { findPlace, findSource } from "./load-table.ts";
import { argsOf, dockerfileOf, type Family } from "./options.ts";
import { rootOf, type Version } from "./table.ts";
import { findTracked } from "./tracked-files.ts";

/** Files that a version's build depends on, relative to the root. */
export function findVersionInputs(root: string, family: Family, own: Version): readonly string[] {
  const version = rootOf(family.versions, own);
  const dockerfile = family.rendered.has(version.version) ? [] : [dockerfileOf(family, version)];
  return [...dockerfile, ...findTracked(root, family.options.sharedInputs ?? [])];
}

/** @throws BtError IMAGES_FAMILY_DOCKERFILE, IMAGES_FAMILY_ARG */
export function checkRecipe(root: string, family: Family, own: Version): void {
  const version = rootOf(family.versions, own);
  const source = findSource(family.name, family.options.versionsFile, root);
  const at = source === undefined ? undefined : findPlace(source, version.version);
  const dockerfile = dockerfileOf(family, version);
  const isRendered = family.rendered.has(version.version);
  const text = readDockerfile(root, family, version);
  if (text === undefined) throw dockerfileMissing(version.version, dockerfile, at);
  const declared = listArgs(text);
  for (const name of Object.keys(argsOf(family, version)))
    if (!declared.includes(name))
      throw argUndeclared({ name, version: version.version, dockerfile, declared, isRendered }, at);
}

/** Text of the Dockerfile that a version is built from. Undefined: there is none. */
export function readDockerfile(root: string, family: Family, own: Version): string | undefined {
  const version = rootOf(family.versions, own);
  const rendered = family.rendered.get(version.version);
  if (rendered !== undefined) return rendered;
  try {
    return fs.readFileSync(path.resolve(root, dockerfileOf(family, version)), "utf8");
  } catch {
    return undefined;
  }
}

/** Whether building runs programs. */
export function hasRun(text: string): boolean {
  return /^[ \t]*RUN\b/im.test(text);
}

/** Names that a Dockerfile declares with ARG, in its order. */
export function listArgs(text: string): readonly string[] {
  const lines = text.replaceAll(/\\\r?\n/g, " ").matchAll(/^[ \t]*ARG[ \t]+(.+)$/gim);
  const words = [...lines].flatMap(([, rest = ""]) => [...rest.matchAll(/(?:^|\s)([A-Za-z_]\w*)/g)]);
  return [...new Set(words.map(([, name = ""]) => name))];
}

/** Hex SHA-256 of Dockerfile, arguments, platforms and shared files: path, mode and content. */
export function hashInputs(root: string, family: Family, version: Version): string {
  if (version.sameAs !== undefined) return sha256(`same ${hashInputs(root, family, rootOf(family.versions, version))}`);
  const shared = findTracked(root, family.options.sharedInputs ?? []).map((file) => {
    const full = path.join(root, file);
    const stat = fs.lstatSync(full);
    if (stat.isSymbolicLink()) return [file, "link", fs.readlinkSync(full)];
    return [file, (stat.mode & 0o111) === 0 ? "file" : "exec", sha256(fs.readFileSync(full))];
  });
  const args = Object.entries(argsOf(family, version)).sort(([a], [b]) => (a < b ? -1 : 1));
  const dockerfile = sha256(readDockerfile(root, family, version) ?? "");
  return sha256(JSON.stringify({ dockerfile, args, platforms: [...version.platforms].sort(), shared }));
}

/** The tag for exactly this content. Undefined: the family has none. */
export function immutableTagOf(root: string, family: Family, version: Version): string | undefined {
  const { immutableTag } = family.options;
  if (immutableTag === false) return undefined;
  const inputsHash = hashInputs(root, family, version);
  return immutableTag?.(version, { inputsHash }) ?? `${version.version}-${inputsHash.slice(0, 12)}`;
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
