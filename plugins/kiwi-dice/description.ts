/** Finds and reads KIWI's image description: its types, profiles and repositories. Importer of `saxes`; does not know which of them are built. */
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { SaxesParser } from "saxes";
import { descriptionMalformed, descriptionMissing } from "./errors.ts";
import { findStat } from "./stat.ts";

/** What a description says, as far as bt needs it. */
export interface Description {
  /** Relative to the recipe. */
  readonly file: string;
  /** `schemaversion`: `7.5`. */
  readonly schema: string;
  readonly name: string;
  readonly types: readonly ImageType[];
  readonly profiles: readonly string[];
  /** `apt`, `zypper`, `dnf4`, … */
  readonly packageManager: string;
  readonly repositories: readonly Repository[];
}

export interface ImageType {
  readonly image: string;
  readonly isPrimary: boolean;
  /** Empty: whatever the profiles. */
  readonly profiles: readonly string[];
  /** Empty: every architecture. */
  readonly arches: readonly string[];
}

/** A repository as the description or an option names it. */
export interface Repository {
  readonly source: string;
  readonly type?: string;
  readonly alias?: string;
  readonly distribution?: string;
  readonly components?: string;
  readonly username?: string;
  readonly password?: string;
  readonly profiles: readonly string[];
  readonly arches: readonly string[];
}

/**
 * The description's file, relative to the recipe, in KIWI's own order.
 * @throws BtError KIWI_DICE_DESCRIPTION_MISSING
 */
export async function findDescription(folder: string, options: { kiwiFile?: string; root: string }): Promise<string> {
  const { kiwiFile, root } = options;
  const found = await lookFor(folder, kiwiFile);
  if (found !== undefined) return found;
  const names = kiwiFile === undefined ? ["config.xml", "image/config.xml", "*.kiwi"] : [kiwiFile];
  throw descriptionMissing(relative(root, folder) || ".", names, await findNear(folder, root));
}

/** Undefined: the folder has none. */
export async function lookFor(folder: string, kiwiFile?: string): Promise<string | undefined> {
  for (const name of kiwiFile === undefined ? ["config.xml", "image/config.xml"] : [kiwiFile])
    if (isFile(join(folder, name))) return name;
  if (kiwiFile !== undefined) return undefined;
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith(".kiwi")).sort()) if (isFile(join(folder, name))) return name;
  return undefined;
}

function isFile(path: string): boolean {
  return findStat(path)?.isFile() ?? false;
}

/** A folder below, else beside, that has a description. */
async function findNear(folder: string, root: string): Promise<string | undefined> {
  for (const start of [folder, dirname(folder)]) {
    const names = await readdir(start, { withFileTypes: true }).catch(() => []);
    const folders = names.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map(({ name }) => name);
    for (const name of folders.sort())
      if ((await lookFor(join(start, name))) !== undefined) return relative(root, join(start, name));
  }
  return undefined;
}

/** @throws BtError KIWI_DICE_DESCRIPTION_MALFORMED */
export async function readDescription(folder: string, file: string, root: string): Promise<Description> {
  const path = join(folder, file);
  return parseDescription(await readFile(path, "utf8"), file, relative(root, path) || basename(path));
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** @throws BtError KIWI_DICE_DESCRIPTION_MALFORMED */
function parseDescription(text: string, file: string, where: string): Description {
  const parser = new SaxesParser();
  const open: Element[] = [];
  const [types, repositories]: [ImageType[], Repository[]] = [[], []];
  const profiles = new Set<string>();
  let [schema, name, packageManager] = ["", "", ""];
  parser.on("error", (error) => {
    const problem = error.message.replace(/^\d+:\d+:\s*/, "").replace(/\.$/, "");
    throw descriptionMalformed({ where, line: parser.line, column: parser.column + 1 }, problem);
  });
  parser.on("opentag", ({ name: element, attributes }) => {
    const parent = open.at(-1);
    open.push({ name: element, attributes });
    if (open.length === 1) {
      if (element !== "image")
        throw descriptionMalformed({ where, line: parser.line }, `the root element is <${element}>, not <image>`);
      [schema, name] = [attributes["schemaversion"] ?? "", attributes["name"] ?? ""];
    } else if (element === "profile" && attributes["name"] !== undefined) profiles.add(attributes["name"]);
    else if (element === "type" && parent?.name === "preferences") types.push(toType(attributes, parent.attributes));
    else if (element === "repository") repositories.push(toRepository(attributes));
    else if (element === "source" && parent?.name === "repository") {
      const last = repositories.pop();
      if (last !== undefined) repositories.push({ ...last, source: attributes["path"] ?? "" });
    }
  });
  parser.on("text", (words) => {
    if (open.at(-1)?.name === "packagemanager") packageManager ||= words.trim();
  });
  parser.on("closetag", () => open.pop());
  parser.write(text).close();
  return { file, schema, name, types, profiles: [...profiles].sort(), packageManager, repositories };
}

function toType(own: Element["attributes"], preferences: Element["attributes"]): ImageType {
  return {
    image: own["image"] ?? "",
    isPrimary: own["primary"] === "true",
    profiles: words(preferences["profiles"]),
    arches: words(preferences["arch"]),
  };
}

function toRepository(own: Element["attributes"]): Repository {
  const kept = ["type", "alias", "distribution", "components", "username", "password"] as const;
  const texts = kept.flatMap((key) => (own[key] === undefined ? [] : [[key, own[key]] as const]));
  return {
    source: "",
    ...Object.fromEntries(texts),
    profiles: words(own["profiles"]),
    arches: words(own["arch"]),
  };
}

function words(text: string | undefined): string[] {
  return (text ?? "").split(/[\s,]+/).filter((word) => word !== "");
}

/** Whether something that is meant for profiles and architectures counts now. */
export function applies(
  one: { readonly profiles: readonly string[]; readonly arches: readonly string[] },
  now: { readonly profiles: readonly string[]; readonly arch: string },
): boolean {
  const inProfile = one.profiles.length === 0 || one.profiles.some((profile) => now.profiles.includes(profile));
  return inProfile && (one.arches.length === 0 || one.arches.includes(now.arch));
}

/** The type that KIWI builds when none is named. */
export function defaultType(
  { types }: Description,
  now: { readonly profiles: readonly string[]; readonly arch: string },
): string | undefined {
  const possible = types.filter((type) => applies(type, now));
  return (possible.find(({ isPrimary }) => isPrimary) ?? possible[0])?.image;
}
