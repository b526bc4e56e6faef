/** A shell or one command in a version's image, or in the base of its Dockerfile, for any architecture. Does not know how terminals work. */
import * as path from "node:path";
import { findPlatform, hostPlatform, ociPlatform, type Arch, type ExecResult } from "../../../core/index.ts";
import { buildCommand, splitWords, type Argv, type Tool } from "./commands.ts";
import { ask, emulate, findImageId, run, runInside } from "./engine.ts";
import { baseUnknown, commandEnded, formatUnknown, imageWrong, shellMissing, terminalMissing } from "./errors.ts";
import { hashInputs, hasRun, readDockerfile } from "./inputs.ts";
import { argsOf, dockerfileOf, type Family } from "./options.ts";
import { findBase } from "./base-image.ts";
import { recipeOf } from "./build.ts";
import { rootOf, type Version } from "./table.ts";
import { isInsecure, refOf, toolOf, type FamilyContext } from "./variables.ts";

/** Where and how the command runs. */
interface Room {
  readonly tool: Tool;
  readonly arch: Arch;
  readonly image: string;
  /** Of the container. */
  readonly name: string;
  readonly isTerminal: boolean;
}

/** Has the image here that enter() starts: built or pulled. A task of its own, because the shell's has the terminal. */
export async function prepareImage(context: FamilyContext, family: Family, version: Version): Promise<void> {
  const tool = toolOf(context.params);
  const arch = archOf(context);
  const image = imageOf(context, family, version);
  if (image.kind === "own") return buildOwn(context, family, version, { tool, arch, image: image.ref });
  if (image.kind === "base" && (context.params.image ?? "") === "")
    context.log.info(
      `Version ${version.version} is not built for ${ociPlatform(arch)}: this is its base, ${image.ref}`,
    );
  if (!context.isDryRun) await pull(context, { tool, arch }, image.ref);
}

/** Starts a container, runs the shell or `CMD` in it, and removes it. Its exit code is the task's. */
export async function enter(context: FamilyContext, family: Family, version: Version): Promise<void> {
  const { params } = context;
  const { emulation: mode = "auto", cmd } = params;
  const hasTerminal = process.stdin.isTTY === true || (context.isDryRun && cmd === undefined); // A dry run shows what a person at one would get.
  const isTerminal = !context.name.endsWith(":run") && hasTerminal;
  if (cmd === undefined && !isTerminal) throw terminalMissing(`${family.name}_${version.version}`);
  const tool = toolOf(params);
  const arch = archOf(context);
  const emulation = await emulate([ociPlatform(arch)], mode, tool.engine);
  const { ref: image } = imageOf(context, family, version);
  const name = `bt-${family.name}-${version.version}-${arch.replaceAll("/", "-")}${isTerminal ? "" : "-run"}`;
  const room: Room = { tool, arch, image, name, isTerminal };
  if (tool.engine === "buildah") await startBuildah(context, room);
  const commands = cmd === undefined ? shellsOf(tool) : [parseCommand(cmd)];
  for (const words of commands) {
    const command = enterCommand(context, family, room, words);
    const result = await runInside(context, command, { allowedCodes: "any", emulation });
    if (result.exitCode === 0) return;
    if (isForeign(result)) throw formatUnknown(arch, mode);
    if (cmd === undefined && isAbsent(result, words)) continue;
    throw commandEnded(cmd ?? words[0] ?? "", result.exitCode);
  }
  throw shellMissing(image);
}

function archOf({ params }: FamilyContext): Arch {
  return findPlatform(params.arch ?? "")?.arch ?? hostPlatform().arch;
}

/** bash, else sh. Other engines than buildah remove the container between two tries. */
function shellsOf({ engine }: Tool): readonly Argv[] {
  if (engine === "buildah") return [["/bin/sh", "-c", "[ -x /bin/bash ] && exec /bin/bash; exec /bin/sh"]];
  return [["/bin/bash"], ["/bin/sh"]];
}

/** Words that need no shell are started as they are: an image may have none. */
function parseCommand(cmd: string): readonly string[] {
  return /[|&;<>()$`*?#~\n]/.test(cmd) ? ["/bin/sh", "-c", cmd] : splitWords(cmd);
}

function enterCommand({ root }: FamilyContext, family: Family, room: Room, words: readonly string[]): Argv {
  const { tool, arch, image, name, isTerminal } = room;
  const source = `${path.resolve(root, family.context)}:/src:ro`;
  if (tool.engine === "buildah") {
    const terminal = isTerminal ? ["-t"] : [];
    return [tool.file, "run", "--isolation", "chroot", ...terminal, "-v", source, name, "--", ...words];
  }
  const terminal = isTerminal ? ["-it"] : [];
  const platform = tool.engine === "docker" ? ["--platform", ociPlatform(arch)] : ["--arch", archName(arch)];
  const rest = ["--privileged", "-v", "/var/lib/docker", "-v", source, image, ...words];
  return [tool.file, "run", ...terminal, "--rm", "--name", name, ...platform, ...rest];
}

/** `arm` for `arm/v7`: podman takes the variant apart. */
function archName(arch: Arch): string {
  return findPlatform(arch)?.goarch ?? arch;
}

/** What an earlier bt that was killed has left under this name goes first. */
async function startBuildah(context: FamilyContext, { tool, arch, image, name, isTerminal }: Room): Promise<void> {
  const quiet = (command: Argv, sign: string): Argv =>
    isTerminal ? ["sh", "-c", `exec "$@" ${sign}`, "sh", ...command] : command;
  const remove = quiet([tool.file, "rm", name], ">/dev/null 2>&1");
  await ask(context, remove);
  context.defer(async () => ask(context, remove));
  const create = [
    tool.file,
    "from",
    ...insecureFlag(context, tool, image),
    "--name",
    name,
    "--arch",
    archName(arch),
    image,
  ];
  await run(context, quiet(create, ">/dev/null"), { show: false });
}

function insecureFlag({ params }: FamilyContext, { engine }: Tool, image: string): readonly string[] {
  return engine !== "docker" && isInsecure(params) && image.startsWith(params.hub) ? ["--tls-verify=false"] : [];
}

/** The version's own image for one of its platforms, the base of its Dockerfile for any other; IMAGE decides otherwise. */
function imageOf(
  context: FamilyContext,
  family: Family,
  version: Version,
): { readonly kind: "own" | "base" | "given"; readonly ref: string } {
  const { params, root } = context;
  const { image = "" } = params;
  const arch = archOf(context);
  if (image !== "" && image !== "built" && image !== "base") return { kind: "given", ref: image };
  const isOwn = version.platforms.some((platform) => findPlatform(platform)?.arch === arch);
  if (image === "built" || (image === "" && isOwn)) {
    if (arch === hostPlatform().arch) return { kind: "own", ref: refOf(params, version.version) };
    const hash = hashInputs(root, family, version).slice(0, 12);
    return { kind: "own", ref: `${refOf(params, version.version)}-${hash}-${arch.replaceAll("/", "-")}` };
  }
  const base = findBase(readDockerfile(root, family, version) ?? "", argsOf(family, version), arch);
  if (base === undefined) throw baseUnknown(dockerfileOf(family, rootOf(family.versions, version)));
  return { kind: "base", ref: base };
}

/** Made when it is missing. */
async function buildOwn(
  context: FamilyContext,
  family: Family,
  version: Version,
  { tool, arch, image }: Pick<Room, "tool" | "arch" | "image">,
): Promise<void> {
  const { params, root } = context;
  if (!context.isDryRun && (await findArch(context, tool, image)) === archName(arch)) return;
  const recipe = await recipeOf(context, family, version);
  const [file = "", verb = "", ...rest] = buildCommand(tool, { ...recipe, ref: image });
  const isRunning = hasRun(readDockerfile(root, family, version) ?? "");
  const emulation = await emulate(isRunning ? [ociPlatform(arch)] : [], params.emulation ?? "auto", tool.engine);
  await runInside(context, [file, verb, "--platform", ociPlatform(arch), ...rest], { emulation });
}

/** @throws BtError IMAGES_FAMILY_IMAGE */
async function pull(context: FamilyContext, { tool, arch }: Pick<Room, "tool" | "arch">, ref: string): Promise<void> {
  if ((await findArch(context, tool, ref)) === archName(arch)) return;
  const platform = tool.engine === "docker" ? ["--platform", ociPlatform(arch)] : ["--arch", archName(arch)];
  if ((await findImageId(context, tool, ref)) === "" || !ref.startsWith("localhost/"))
    await run(context, [tool.file, "pull", ...insecureFlag(context, tool, ref), ...platform, ref]);
  const found = await findArch(context, tool, ref);
  if (found !== "" && found !== archName(arch))
    throw imageWrong(ref, { found: `linux/${found}`, expected: ociPlatform(arch) });
}

/** Architecture of a local image. Empty: there is none. */
async function findArch(context: FamilyContext, { engine, file }: Tool, ref: string): Promise<string> {
  const words =
    engine === "buildah"
      ? ["inspect", "--type", "image", "--format", "{{.OCIv1.Architecture}}", ref]
      : ["image", "inspect", "--format", "{{.Architecture}}", ref];
  const { exitCode, stdout } = await ask(context, [file, ...words]);
  return exitCode === 0 ? stdout.trim() : "";
}

function isForeign({ stdout, stderr }: ExecResult): boolean {
  return /exec.* exec format error|exec format error$/im.test(`${stderr}\n${stdout}`);
}

/** In a terminal everything comes as output. */
function isAbsent({ stdout, stderr }: ExecResult, [program = ""]: readonly string[]): boolean {
  const lines = `${stdout}\n${stderr}`.split("\n");
  return lines.some((line) => line.includes(program) && /exec.*(not found|no such file or directory)/i.test(line));
}
