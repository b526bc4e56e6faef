/** A shell or one command in a version's image, or in the base of its Dockerfile, for any architecture. Does not know how terminals work. */
import * as path from "node:path";
import { findPlatform, hostPlatform, ociPlatform, type Arch, type ExecResult } from "../../../core/index.ts";
import { buildCommand, splitWords, type Argv, type Tool } from "./commands.ts";
import { anyCode, ask, emulate, findImageId, run } from "./engine.ts";
import { baseUnknown, commandEnded, formatUnknown, imageWrong, shellMissing, terminalMissing } from "./errors.ts";
import { hashInputs, hasRun, readDockerfile } from "./inputs.ts";
import { argsOf, dockerfileOf, type Family } from "./options.ts";
import { findBase } from "./base-image.ts";
import { rootOf, type Version } from "./table.ts";
import { isInsecure, refOf, repositoryOf, toolOf, type FamilyContext } from "./variables.ts";

/** Where and how the command runs. */
interface Room {
  readonly tool: Tool;
  readonly arch: Arch;
  readonly image: string;
  /** Of the container. */
  readonly name: string;
  readonly isTerminal: boolean;
}

/** Starts a container, runs the shell or `CMD` in it, and removes it. Its exit code is the task's. */
export async function enter(context: FamilyContext, family: Family, version: Version): Promise<void> {
  const { params } = context;
  const id = `${family.name}_${version.version}`;
  const { emulation: mode = "auto", cmd, arch = hostPlatform().arch } = params as typeof params & { arch?: Arch };
  const isTerminal = !context.name.endsWith(":run") && process.stdin.isTTY === true;
  if (cmd === undefined && !isTerminal) throw terminalMissing(id);
  const tool = toolOf(params);
  const emulation = await emulate([ociPlatform(arch)], mode, tool.engine);
  const image = await findImage(context, family, version, { tool, arch });
  const label = arch.replaceAll("/", "-");
  const name = `bt-${family.name}-${version.version}-${label}${isTerminal ? "" : "-run"}`;
  const room: Room = { tool, arch, image, name, isTerminal };
  if (tool.engine === "buildah") await startBuildah(context, room);
  const commands = cmd === undefined ? [["/bin/bash"], ["/bin/sh"]] : [parseCommand(cmd)];
  for (const words of commands) {
    const command = enterCommand(context, family, room, words);
    const result = await run(context, command, { allowedCodes: anyCode, emulation });
    if (result.exitCode === 0) return;
    if (isForeign(result)) throw formatUnknown(arch, mode);
    if (!isAbsent(result, words)) throw commandEnded(words.join(" "), result.exitCode);
    if (words === commands.at(-1)) throw cmd === undefined ? shellMissing(image) : commandEnded(cmd, result.exitCode);
  }
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
async function startBuildah(context: FamilyContext, { tool, arch, image, name }: Room): Promise<void> {
  await ask(context, [tool.file, "rm", name]);
  context.defer(async () => ask(context, [tool.file, "rm", name]));
  const insecure = isInsecure(context.params) && image.startsWith(context.params.hub) ? ["--tls-verify=false"] : [];
  await run(context, [tool.file, "from", ...insecure, "--name", name, "--arch", archName(arch), image], {
    show: false,
  });
}

/** The version's own image for one of its platforms, the base of its Dockerfile for any other; IMAGE decides otherwise. */
async function findImage(
  context: FamilyContext,
  family: Family,
  version: Version,
  { tool, arch }: Pick<Room, "tool" | "arch">,
): Promise<string> {
  const { image = "" } = context.params;
  const isOwn = version.platforms.some((platform) => findPlatform(platform)?.arch === arch);
  if (image === "built" || (image === "" && isOwn)) return buildOwn(context, family, version, { tool, arch });
  const dockerfile = dockerfileOf(family, rootOf(family.versions, version));
  const text = readDockerfile(context.root, family, version) ?? "";
  const base = image !== "" && image !== "base" ? image : findBase(text, argsOf(family, version), arch);
  if (base === undefined) throw baseUnknown(dockerfile);
  if (image === "")
    context.log.info(`Version ${version.version} is not built for ${ociPlatform(arch)}: this is its base, ${base}`);
  if (family.isLive()) await pull(context, { tool, arch }, base);
  return base;
}

/** Made when it is missing; the name says from which content. */
async function buildOwn(
  context: FamilyContext,
  family: Family,
  version: Version,
  { tool, arch }: Pick<Room, "tool" | "arch">,
): Promise<string> {
  const { params, root } = context;
  const isHost = arch === hostPlatform().arch;
  const hash = hashInputs(root, family, version).slice(0, 12);
  const ref = isHost
    ? refOf(params, version.version)
    : `${repositoryOf(params)}:${version.version}-${hash}-${arch.replaceAll("/", "-")}`;
  if (family.isLive() && (await findArch(context, tool, ref)) === archName(arch)) return ref;
  const recipe = {
    ref,
    dockerfile: dockerfileOf(family, rootOf(family.versions, version)),
    context: family.context,
    args: argsOf(family, version),
  };
  const [file = "", verb = "", ...rest] = buildCommand(tool, recipe);
  const isRunning = hasRun(readDockerfile(root, family, version) ?? "");
  const emulation = await emulate(isRunning ? [ociPlatform(arch)] : [], params.emulation ?? "auto", tool.engine);
  await run(context, [file, verb, "--platform", ociPlatform(arch), ...rest], { emulation });
  return ref;
}

/** @throws BtError IMAGES_FAMILY_IMAGE */
async function pull(context: FamilyContext, { tool, arch }: Pick<Room, "tool" | "arch">, ref: string): Promise<void> {
  if ((await findArch(context, tool, ref)) === archName(arch)) return;
  const insecure =
    isInsecure(context.params) && tool.engine !== "docker" && ref.startsWith(context.params.hub)
      ? ["--tls-verify=false"]
      : [];
  const platform = tool.engine === "docker" ? ["--platform", ociPlatform(arch)] : ["--arch", archName(arch)];
  if ((await findImageId(context, tool, ref)) === "" || !ref.startsWith("localhost/"))
    await run(context, [tool.file, "pull", ...insecure, ...platform, ref]);
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

function isForeign({ stderr }: ExecResult): boolean {
  return /exec format error/i.test(stderr);
}

function isAbsent({ exitCode, stderr }: ExecResult, [program = ""]: readonly string[]): boolean {
  const isSaid = /not found|no such file or directory/i.test(stderr) && stderr.includes(program);
  return isSaid && [1, 125, 126, 127].includes(exitCode);
}
