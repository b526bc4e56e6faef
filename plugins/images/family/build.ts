/** Builds one version: for this machine, or for all its platforms. Does not know registries. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { findPlatform } from "../../../core/index.ts";
import {
  buildCommand,
  buildMultiCommand,
  createBuilderCommand,
  existsCommand,
  inspectListCommand,
  removeBuilderCommand,
  removeListCommand,
  splitWords,
  tagCommand,
  untagCommand,
  type Recipe,
  type Tool,
} from "./commands.ts";
import { buildxMissing } from "./errors.ts";
import { ask, emulate, findImageId, run, runInside } from "./engine.ts";
import { hasRun, readDockerfile } from "./inputs.ts";
import { argsOf, dockerfileOf, type Family } from "./options.ts";
import { defaultPlatforms, rootOf, type Version } from "./table.ts";
import { runOf } from "./summary.ts";
import { refOf, toolOf, type FamilyContext, type Values } from "./variables.ts";

/** What a build leaves for the tasks after it. */
export interface Built {
  readonly version: string;
  readonly task: string;
  readonly status: "built";
  readonly ref: string;
  /** Of the image; of a list, the digest of what the engine says about it; empty for an archive. */
  readonly imageId: string;
  readonly kind: "image" | "list" | "archive";
  /** OCI archive, relative to the root. Absent: BUILDX_OUTPUT says where the result is. */
  readonly archive?: string;
  readonly platforms: readonly string[];
  readonly seconds: number;
  /** Run that built it: in any other one it was there already. */
  readonly run: string;
}

/** Whether the engine still has what was built. */
export async function isBuilt(context: FamilyContext): Promise<boolean> {
  const before = context.previous as Built | undefined; // Its own last result.
  if (before === undefined) return false;
  const tool = toolOf(context.params);
  switch (before.kind) {
    case "image":
      return (await findImageId(context, tool, before.ref)) === before.imageId;
    case "list":
      return listId(await inspectList(context, tool, before.ref)) === before.imageId;
    case "archive":
      return before.archive === undefined || existsSync(path.join(context.root, before.archive));
  }
}

/** One image for this machine. */
export async function build(context: FamilyContext, family: Family, version: Version): Promise<Built> {
  const startedMs = Date.now();
  const tool = toolOf(context.params);
  const ref = refOf(context.params, version.version);
  warnEol(context, version);
  if (version.sameAs === undefined)
    await runInside(context, buildCommand(tool, await recipeOf(context, family, version)));
  else await run(context, tagCommand(tool, refOf(context.params, version.sameAs), ref));
  const imageId = await findImageId(context, tool, ref);
  return finish(context, { version: version.version, ref, imageId, kind: "image", platforms: ["host"] }, startedMs);
}

/** One image a platform, joined to a list (podman, buildah) or an OCI archive (docker). */
export async function buildMulti(context: FamilyContext, family: Family, version: Version): Promise<Built> {
  const startedMs = Date.now();
  const tool = toolOf(context.params);
  const ref = refOf(context.params, version.version);
  const platforms = platformsOf(context.params, version);
  const facts = { version: version.version, ref, platforms };
  warnEol(context, version);
  if (tool.engine === "docker") {
    const { buildxOutput } = context.params;
    const archive = `.bt/families/${family.name}_${version.version}.tar`;
    const output = buildxOutput === undefined ? await archiveOutput(context, archive) : splitWords(buildxOutput);
    await buildx(context, family, { version, output, ref });
    const where = buildxOutput === undefined ? { archive } : {};
    return finish(context, { ...facts, imageId: "", kind: "archive", ...where }, startedMs);
  }
  await freeName(context, tool, ref);
  const list =
    version.sameAs === undefined
      ? await buildList(context, family, { version, ref, platforms })
      : await tagList(context, refOf(context.params, version.sameAs), ref);
  return finish(context, { ...facts, imageId: listId(list), kind: "list" }, startedMs);
}

/** Resolves to what the engine says about the list. */
async function buildList(
  context: FamilyContext,
  family: Family,
  wanted: { readonly version: Version; readonly ref: string; readonly platforms: readonly string[] },
): Promise<string> {
  const { version, ref, platforms } = wanted;
  const tool = toolOf(context.params);
  const recipe = await recipeOf(context, family, version);
  const emulation = await emulationOf(context, family, version, platforms);
  const command = buildMultiCommand(tool, recipe, { platforms, buildx: { output: [], buildArgs: [] } });
  await runInside(context, command, { emulation });
  const list = await inspectList(context, tool, ref);
  if (!lacksPlatform(list, platforms)) return list;
  context.log.warn(`${tool.engine} took one platform's cached layers for another: it builds again without its cache`);
  await run(context, removeListCommand(tool, ref));
  await runInside(context, [...command.slice(0, 2), "--no-cache", ...command.slice(2)], { emulation });
  return inspectList(context, tool, ref);
}

async function tagList(context: FamilyContext, from: string, ref: string): Promise<string> {
  const tool = toolOf(context.params);
  await run(context, tagCommand(tool, from, ref));
  return inspectList(context, tool, ref);
}

/** docker's build of several platforms, in a builder that is removed again if it was made here. */
export async function buildx(
  context: FamilyContext,
  family: Family,
  wanted: { readonly version: Version; readonly output: readonly string[]; readonly ref: string },
): Promise<void> {
  const { version, output, ref } = wanted;
  const { params } = context;
  const tool = toolOf(params);
  const recipe = { ...(await recipeOf(context, family, version)), ref };
  const platforms = platformsOf(params, version);
  await emulationOf(context, family, version, platforms);
  const { exitCode, stderr } = await ask(context, existsCommand(tool, recipe.ref));
  if (/unknown command: docker buildx|'buildx' is not a docker command/.test(stderr)) throw buildxMissing();
  if (exitCode !== 0 || context.isDryRun) {
    context.defer(async () => ask(context, removeBuilderCommand(tool)));
    await run(context, createBuilderCommand(tool));
  }
  await run(context, buildMultiCommand(tool, recipe, { platforms, buildx: { output, buildArgs: buildxArgs(params) } }));
}

/** Platforms of a build: PLATFORMS, else those of the version. */
export function platformsOf({ platforms = [] }: Values, version: Version): readonly string[] {
  return platforms.length > 0 ? platforms : (version.platforms ?? defaultPlatforms);
}

/** A build that fails leaves no half an archive. */
async function archiveOutput({ root, defer, isDryRun }: FamilyContext, file: string): Promise<readonly string[]> {
  if (!isDryRun) await mkdir(path.dirname(path.join(root, file)), { recursive: true });
  defer(async (succeeded) => {
    if (!succeeded) await rm(path.join(root, file), { force: true });
  });
  return [`--output=type=oci,dest=${file}`];
}

/** Said by every task of a version that nobody should need any more. */
export function warnEol({ log }: Pick<FamilyContext, "log">, { version, isEol }: Version): void {
  if (isEol) log.warn(`Version "${version}" is at the end of its life`);
}

function buildxArgs({ buildxBuildArgs, targetOs = "linux" }: Values): readonly string[] {
  if (buildxBuildArgs !== undefined) return splitWords(buildxBuildArgs);
  return ["--build-arg", `TARGETOS=${targetOs}`, "--build-arg", "BUILDKIT_PARALLEL_LIMIT=1", "--progress=plain"];
}

/** What the engine is told to build; a template's text is written to a temporary file. */
export async function recipeOf(context: FamilyContext, family: Family, own: Version): Promise<Recipe> {
  const version = rootOf(family.versions, own);
  const text = family.rendered.get(version.version);
  return {
    ref: refOf(context.params, own.version),
    dockerfile:
      text === undefined ? dockerfileOf(family, version) : await writeTemplate(context, family, { version, text }),
    context: family.context,
    args: argsOf(family, version),
  };
}

async function writeTemplate(
  context: FamilyContext,
  family: Family,
  { version, text }: { readonly version: Version; readonly text: string },
): Promise<string> {
  const name = `${family.name}_${version.version}.Dockerfile`;
  if (context.isDryRun) return `TEMPORARY/${name}`;
  const file = path.join(await context.tempDir(), name);
  await writeFile(file, text);
  return file;
}

/** Only RUN needs emulation: images that are copied together build anywhere. */
async function emulationOf(
  context: FamilyContext,
  family: Family,
  version: Version,
  platforms: readonly string[],
): ReturnType<typeof emulate> {
  const isRunning = hasRun(readDockerfile(context.root, family, version) ?? "");
  return emulate(isRunning ? platforms : [], context.params.emulation ?? "auto", toolOf(context.params).engine);
}

/** A list can only be made under a name that nothing has. */
async function freeName(context: FamilyContext, tool: Tool, ref: string): Promise<void> {
  const { exitCode } = await ask(context, existsCommand(tool, ref));
  if (exitCode === 0) await run(context, removeListCommand(tool, ref));
  else if ((await findImageId(context, tool, ref)) !== "") await run(context, untagCommand(tool, ref));
}

/** Whether a list was made without one of the platforms: podman's cache does not tell images of `scratch` apart. */
function lacksPlatform(list: string, platforms: readonly string[]): boolean {
  const found = [...list.matchAll(/"architecture":\s*"(\w+)"/g)].map(([, arch]) => arch);
  return found.length > 0 && !platforms.every((platform) => found.includes(findPlatform(platform)?.goarch));
}

/** What the engine says about a list. Empty: there is none. */
async function inspectList(context: FamilyContext, tool: Tool, ref: string): Promise<string> {
  const { exitCode, stdout } = await ask(context, inspectListCommand(tool, ref));
  return exitCode === 0 ? stdout : "";
}

function listId(list: string): string {
  return list === "" ? "" : createHash("sha256").update(list).digest("hex");
}

function finish(
  context: FamilyContext,
  facts: Omit<Built, "task" | "status" | "seconds" | "run">,
  startedMs: number,
): Built {
  const seconds = Math.round((Date.now() - startedMs) / 100) / 10;
  return { ...facts, task: context.name, status: "built", seconds, run: runOf(context) };
}
