/** A builderfile, found, compiled (or taken from the cache) and evaluated. Does not know what its tasks do. */
import * as fs from "node:fs";
import { isBuiltin, SourceMap } from "node:module";
import * as path from "node:path";
import { isBtError, placed, type PlaceOf } from "./errors.ts";
import { builderfileThrew, packageMissing } from "./errors/builderfile.ts";
import { evaluate, ImportError, type Reads } from "./evaluate.ts";
import { findText, hashFile, hashText, isFolder, makeFolder, replaceFile } from "./files.ts";
import { findBuilderfile, loadSettings, settingsFiles } from "./find.ts";
import type { Settings } from "./settings.ts";
import { stableJson } from "./fingerprint.ts";
import { checkBuilder, type Builder } from "./plugin.ts";
import { findManifest, stampEnv, stampFile, type Manifest } from "./warm.ts";
import type { Compiled } from "./compile.ts";

export interface LoadOptions {
  /** Absolute. */
  readonly cwd: string;
  /** As given with `-f`. Absent: searched for. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Build of this bt: its caches are of no use to another one. */
  readonly build: string;
  /** bt's own modules by the name a builderfile imports them with. */
  readonly ownModule: (specifier: string) => Promise<object> | undefined;
  /** False: nothing is written, not even a cache. */
  readonly mayWrite: boolean;
}

export interface Project {
  readonly root: string;
  /** Relative to the root. */
  readonly file: string;
  readonly builder: Builder;
  readonly settings: Settings;
  readonly reads: Reads;
  /** Digest of the modules that a task was made by and of all they import, and of what they read. Undefined: cannot be told. */
  readonly codeOf: (site: { readonly stack?: string }) => string | undefined;
  /** Where a stack trace enters the builderfile. */
  readonly placeOf: PlaceOf;
  /** What the evaluation depended on: the stored manifest while it holds, so that what was stored beside it holds as well. */
  readonly manifest: Manifest;
  /** Before anything was looked at. Milliseconds since 1970. */
  readonly startedMs: number;
}

/**
 * Loads the project that `cwd` belongs to.
 * @throws BtError BUILDERFILE_MISSING, BUILDERFILE_SYNTAX, BUILDERFILE_THREW, PACKAGE_MISSING, BUILDER_SHAPE, TASK_SHAPE, SETTINGS_WRONG
 */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const startedMs = Date.now();
  const { file, root } = await findBuilderfile(options.cwd, options.file);
  process.chdir(root); // A builderfile and its actions read relative paths as make does, wherever bt was called.
  const settings = await loadSettings(options.env);
  const compiled = await compileCached(file, root, options);
  const scriptName = path.join(root, ".bt", "builderfile.cjs");
  const placeOf = createPlaces(compiled.map, scriptName, root);
  const cacheFile = path.join(root, ".bt", "builder", "code.v8");
  // V8 only compares lengths, brings the old name of the script along, and crashes on bytes that it has not written.
  const seal = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from(hashText(`${scriptName}\n${compiled.code}\n${bytes.toString("latin1")}`)), bytes]);
  const stored = findBytes(cacheFile);
  const bytes = stored?.subarray(64); // Behind the digest.
  const codeCache = bytes !== undefined && stored?.equals(seal(bytes)) === true ? bytes : undefined;
  const name = path.relative(root, file);
  try {
    const evaluated = await evaluate({
      code: compiled.code,
      file,
      name: scriptName,
      packages: compiled.packages,
      ownModule: options.ownModule,
      ...(codeCache === undefined ? {} : { codeCache }),
    });
    const { exported, reads } = evaluated;
    if (options.mayWrite && evaluated.codeCache !== undefined) cacheWrite(cacheFile, seal(evaluated.codeCache));
    const builder = checkBuilder(exported);
    return {
      root,
      file: name,
      builder,
      settings,
      reads,
      codeOf: createCodeDigests({ root, file, startedMs, compiled, reads }, placeOf, options),
      placeOf,
      manifest:
        findOwnManifest(root, file, options) ??
        createManifest({ root, file, startedMs, compiled, reads }, placeOf, options),
      startedMs,
    };
  } catch (error) {
    if (isBtError(error)) throw placed(error, placeOf(error.stack) ?? { where: name });
    if (error instanceof ImportError) {
      const { findImport } = await import("./compile.ts");
      const at = findImport(error.specifier, Object.keys(compiled.modules), root) ?? { where: name };
      throw placed(packageMissing(error.specifier, error.packageName, error), at);
    }
    throw builderfileThrew(error, placeOf(error instanceof Error ? error.stack : undefined) ?? { where: name });
  }
}

type CompiledFile = Compiled & {
  readonly build: string;
  readonly file: string;
  readonly digests: Readonly<Record<string, string>>;
};

/** The compiled form of exactly these contents, from the cache or made now. */
async function compileCached(file: string, root: string, options: LoadOptions): Promise<CompiledFile> {
  const cacheFile = path.join(root, ".bt", "builder", "compiled.json");
  const text = findBytes(cacheFile)?.toString("utf8");
  const cached = text === undefined ? undefined : parseCompiled(text);
  if (cached !== undefined && cached.build === options.build && cached.file === file && isUnchanged(cached.digests))
    return cached;
  const { compile } = await import("./compile.ts");
  const compiled = await compile(file, root);
  const digests = Object.fromEntries(
    Object.keys(compiled.modules).map((module) => [module, hashText(findText(module) ?? "")]),
  );
  const made = { ...compiled, build: options.build, file, digests };
  if (options.mayWrite) cacheWrite(cacheFile, JSON.stringify(made));
  return made;
}

function parseCompiled(text: string): CompiledFile | undefined {
  try {
    return JSON.parse(text) as CompiledFile; // Written above, by the build that it names.
  } catch {
    return undefined;
  }
}

function isUnchanged(digests: Readonly<Record<string, string>>): boolean {
  return Object.entries(digests).every(([module, digest]) => {
    const text = findText(module);
    return text !== undefined && hashText(text) === digest;
  });
}

/** A cache that cannot be written costs speed, nothing else. */
function cacheWrite(file: string, content: string | Uint8Array): void {
  try {
    replaceFile(file, content);
  } catch {
    return;
  }
}

function findBytes(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(file);
  } catch {
    return undefined;
  }
}

/** `at build (/project/.bt/builderfile.cjs:12:5)` → the place in the source that this came from. */
function createPlaces(map: string, scriptName: string, root: string): PlaceOf {
  let sourceMap: SourceMap | undefined;
  return (stack) => {
    const at = stack?.indexOf(`${scriptName}:`) ?? -1;
    if (stack === undefined || at === -1 || map === "") return undefined;
    const [, line, column] = /^:(\d+):(\d+)/.exec(stack.slice(at + scriptName.length)) ?? [];
    sourceMap ??= new SourceMap(JSON.parse(map));
    const entry = sourceMap.findEntry(Number(line) - 1, Number(column) - 1);
    if (!("originalSource" in entry)) return undefined;
    const file = path.resolve(path.dirname(scriptName), entry.originalSource);
    const source = findText(file)?.split("\n")[entry.originalLine];
    return {
      where: path.relative(root, file),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
      ...(source === undefined ? {} : { source }),
    };
  };
}

/**
 * A function can capture whatever its module holds, what it was called with there, and what was read meanwhile: its digest is
 * that of all modules on the way to its task and of all local modules below them, of versions of packages, and of the reads.
 */
function createCodeDigests(facts: Facts, placeOf: Project["placeOf"], options: LoadOptions): Project["codeOf"] {
  const { compiled, reads, root } = facts;
  const digests = new Map<string, string | undefined>();
  let around: string | undefined;
  const digestOf = (frame: string): string | undefined => {
    const place = placeOf(frame);
    if (place === undefined) return digestFrameFile(frame);
    const module = Object.keys(compiled.modules).find((name) => path.relative(root, name) === place.where);
    return (
      module &&
      stableJson(reach(module, compiled.modules).map((name) => [path.relative(root, name), compiled.digests[name]]))
    );
  };
  return ({ stack = "" }) => {
    if (reads.untracked.size > 0) return undefined;
    around ??= stableJson([
      options.build,
      describePackages(compiled),
      [...reads.env].sort().map((name) => [name, options.env[name]]),
      [...reads.files].sort().map((file) => [path.relative(root, file), digestRead(file)]),
    ]);
    const frames = stack
      .split("\n")
      .slice(1)
      .filter((frame) => !frame.endsWith("(<anonymous>)")); // The engine's own functions, such as Array.map, hold nothing.
    const way = frames.slice(0, Math.max(1, frames.findLastIndex((frame) => placeOf(frame) !== undefined) + 1));
    for (const frame of way) if (!digests.has(frame)) digests.set(frame, digestOf(frame));
    const parts = way.map((frame) => digests.get(frame));
    return parts.includes(undefined) ? undefined : hashText(stableJson([around, [...new Set(parts)].sort()]));
  };
}

/** Digest of a file outside of the project, such as a plugin's, that a stack frame names. */
function digestFrameFile(frame: string): string | undefined {
  const file = /\(?((?:file:\/\/)?\/[^():]+):\d+:\d+\)?$/.exec(frame)?.[1]?.replace(/^file:\/\//, "");
  const text = file === undefined ? undefined : findText(file);
  return text && hashText(text);
}

function digestRead(file: string): string {
  if (isFolder(file)) return fs.readdirSync(file).sort().join("/");
  return fs.existsSync(file) ? hashFile(file) : "missing";
}

/** The packages that a builderfile imports, with their versions. */
function describePackages({ file, packages }: CompiledFile): readonly (readonly [name: string, version: string])[] {
  return packages.map((name) => [
    name,
    /"version"\s*:\s*"([^"]*)"/.exec(findText(findPackage(name, file) ?? "") ?? "")?.[1] ?? "",
  ]);
}

/** `package.json` of an imported package, absolute. Undefined: it is Node's or bt's own, or not there. */
export function findPackage(specifier: string, from: string): string | undefined {
  if (isBuiltin(specifier) || /^builderfile(\/|$)/.test(specifier)) return undefined;
  const [name = ""] = /^(@[^/]+\/)?[^/]+/.exec(specifier) ?? [];
  for (let folder = path.dirname(from); ; folder = path.dirname(folder)) {
    const file = path.join(folder, "node_modules", name, "package.json");
    if (fs.existsSync(file)) return file;
    if (folder === path.dirname(folder)) return undefined;
  }
}

function reach(start: string, modules: Readonly<Record<string, readonly string[]>>): string[] {
  const seen = new Set([start]);
  for (const module of seen) for (const next of modules[module] ?? []) seen.add(next);
  return [...seen].sort();
}

interface Facts {
  readonly root: string;
  readonly file: string;
  readonly startedMs: number;
  readonly compiled: CompiledFile;
  readonly reads: Reads;
}

function findOwnManifest(root: string, file: string, { build, env }: LoadOptions): Manifest | undefined {
  const found = findManifest(root, build, env);
  return found?.builderfile === file ? found : undefined;
}

function createManifest(facts: Facts, placeOf: PlaceOf, options: LoadOptions): Manifest {
  const { root, file, startedMs, compiled, reads } = facts;
  const packages = compiled.packages.flatMap((name) => findPackage(name, file) ?? []);
  const files = new Set([
    ...Object.keys(compiled.modules),
    ...packages,
    ...reads.files,
    ...settingsFiles(options.env),
    path.join(root, "package-lock.json"),
  ]);
  return {
    build: options.build,
    root,
    builderfile: file,
    writtenMs: startedMs,
    stamps: [...files].sort().map(stampFile),
    env: ["HOME", "XDG_CONFIG_HOME", ...reads.env].map((name) => stampEnv(name, options.env, root)),
    isTracked: reads.untracked.size === 0,
    places: Object.fromEntries(
      [...reads.stacks].flatMap(([name, stack]) => {
        const place = placeOf(stack);
        return place?.line === undefined ? [] : [[name, `${place.where}:${place.line}`]];
      }),
    ),
  };
}

/** `.bt/` says itself that git shall not see it. */
export function prepareStateFolder(root: string): void {
  const folder = path.join(root, ".bt");
  makeFolder(folder);
  const ignore = path.join(folder, ".gitignore");
  if (!fs.existsSync(ignore)) replaceFile(ignore, "*\n");
}
