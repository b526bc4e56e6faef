/** Finds the builderfile and the user's settings. Importer of `cosmiconfig`; does not know what is in them. */
import * as os from "node:os";
import * as path from "node:path";
import { cosmiconfig, defaultLoaders } from "cosmiconfig";
import { builderfileMissing, settingsWrong } from "./errors.ts";
import { findStat } from "./files.ts";
import { builderfileNames } from "./warm.ts";

export interface Found {
  /** Absolute. */
  readonly file: string;
  /** Project root, absolute. */
  readonly root: string;
}

/**
 * The builderfile: `file`, or the nearest one at or above `cwd`. The root is the folder it stands in (for `.config/`, the one above).
 * @throws BtError BUILDERFILE_MISSING
 */
export async function findBuilderfile(cwd: string, file: string | undefined): Promise<Found> {
  if (file !== undefined) {
    const absolute = path.resolve(cwd, file);
    if (findStat(absolute) === undefined) throw builderfileMissing(file, undefined);
    return { file: absolute, root: path.dirname(absolute) };
  }
  const onlyFind = (): object => ({});
  const explorer = cosmiconfig("builderfile", {
    searchPlaces: [...builderfileNames, "package.json"],
    searchStrategy: "global",
    stopDir: path.parse(cwd).root,
    cache: false,
    loaders: { ".ts": onlyFind, ".mts": onlyFind, ".js": onlyFind, ".mjs": onlyFind },
  });
  const result = await explorer.search(cwd);
  if (result === null) throw builderfileMissing(undefined, cwd);
  const folder = path.dirname(result.filepath);
  if (path.basename(result.filepath) === "package.json") {
    const named = path.resolve(folder, String(result.config));
    if (findStat(named) === undefined) throw builderfileMissing(String(result.config), result.filepath);
    return { file: named, root: folder };
  }
  return { file: result.filepath, root: path.basename(folder) === ".config" ? path.dirname(folder) : folder };
}

/** What a person sets once for all projects. */
export interface Settings {
  readonly jobs?: number;
  /** Container engine that the image plugins use. */
  readonly engine?: string;
  /** live, grouped, prefixed, stream or json. */
  readonly output?: string;
  /** Registry host to the mirror asked first. */
  readonly mirrors?: Readonly<Record<string, string>>;
}

const kinds: Readonly<Record<keyof Settings, "number" | "string" | "object">> = { jobs: "number", engine: "string", output: "string", mirrors: "object" };
const settingsNames = ["config.json", "config.yaml", "config.yml"] as const;

/** Where settings are looked for; a change of these files is a change of the configuration. */
export function settingsFiles(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const folder = path.join(env["XDG_CONFIG_HOME"] || path.join(env["HOME"] || os.homedir(), ".config"), "bt");
  return settingsNames.map((name) => path.join(folder, name));
}

/**
 * The user's settings; empty without a file.
 * @throws BtError SETTINGS_WRONG
 */
export async function loadSettings(env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const file = settingsFiles(env).find((candidate) => findStat(candidate) !== undefined);
  if (file === undefined) return {};
  let content: unknown;
  try {
    content = (await cosmiconfig("bt", { loaders: { ".json": defaultLoaders[".json"], ".yaml": defaultLoaders[".yaml"] }, cache: false }).load(file))?.config;
  } catch (error) {
    throw settingsWrong(file, error instanceof Error ? error.message : String(error), Object.keys(kinds));
  }
  if (content === undefined || content === null) return {};
  if (typeof content !== "object") throw settingsWrong(file, "it is no record of settings", Object.keys(kinds));
  for (const [name, value] of Object.entries(content)) {
    const kind: string | undefined = Object.entries(kinds).find(([known]) => known === name)?.[1];
    if (kind === undefined) throw settingsWrong(file, `there is no setting "${name}"`, Object.keys(kinds));
    if (typeof value !== kind) throw settingsWrong(file, `"${name}" takes a ${kind}`, Object.keys(kinds));
  }
  return content;
}
