/** Finds the builderfile and the user's settings. Importer of `cosmiconfig`; does not know what is in them. */
import * as os from "node:os";
import * as path from "node:path";
import { cosmiconfig, defaultLoaders } from "cosmiconfig";
import { firstLine } from "./errors.ts";
import { builderfileMissing } from "./errors/builderfile.ts";
import { settingsWrong } from "./errors/request.ts";
import { findStat, findText } from "./files.ts";
import type { Settings } from "./settings.ts";
import { describeKind, isRecord } from "./shape.ts";
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
    ignoreEmptySearchPlaces: false,
    loaders: { ".ts": onlyFind, ".mts": onlyFind, ".js": onlyFind, ".mjs": onlyFind },
  });
  const result = await explorer.search(cwd);
  if (result === null) return findUnread(cwd);
  const folder = path.dirname(result.filepath);
  if (path.basename(result.filepath) === "package.json") {
    const named = path.resolve(folder, String(result.config));
    if (findStat(named) === undefined)
      throw builderfileMissing(String(result.config), path.relative(cwd, result.filepath));
    return { file: named, root: folder };
  }
  return { file: result.filepath, root: path.basename(folder) === ".config" ? path.dirname(folder) : folder };
}

/** The search passes over files that may not be read. @throws the reason; BtError BUILDERFILE_MISSING */
function findUnread(cwd: string): Found {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    const name = builderfileNames.find((one) => findStat(path.join(folder, one)) !== undefined);
    if (name !== undefined && findText(path.join(folder, name)) !== undefined)
      return { file: path.join(folder, name), root: folder };
    if (folder === path.dirname(folder)) throw builderfileMissing(undefined, cwd);
  }
}

const kinds: Readonly<Record<keyof Settings, "number" | "string" | "object">> = {
  jobs: "number",
  memory: "string",
  disk: "string",
  engine: "string",
  output: "string",
  mirrors: "object",
  cache: "string",
  cacheDir: "string",
  cacheGib: "number",
  cacheDays: "number",
  cacheWaitSeconds: "number",
};
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
    content = (
      await cosmiconfig("bt", {
        loaders: { ".json": defaultLoaders[".json"], ".yaml": defaultLoaders[".yaml"] },
        cache: false,
      }).load(file)
    )?.config;
  } catch (error) {
    const text = error instanceof Error ? error.message.replace(/^(JSON|YAML) Error in [^\n]*:\n/, "") : error;
    throw settingsWrong(file, { kind: "syntax", text: firstLine(text) });
  }
  if (content === undefined || content === null) return {};
  if (!isRecord(content)) throw settingsWrong(file, { kind: "content", found: describeKind(content) });
  for (const [name, value] of Object.entries(content)) {
    const kind: string | undefined = Object.entries(kinds).find(([known]) => known === name)?.[1];
    if (kind === undefined) throw settingsWrong(file, { kind: "name", name, known: Object.keys(kinds) });
    if (typeof value !== kind)
      throw settingsWrong(file, {
        kind: "value",
        name,
        found: describeKind(value),
        allowed: kind === "object" ? "a record" : `a ${kind}`,
      });
  }
  return content;
}
