/** Starts command lines of an engine for a task, and reads what they say. Does not know versions or registries. */
import { findPlatform, isBtError, type Arch, type ExecOptions, type ExecResult } from "../../../core/index.ts";
import { chooseEmulation, wrapCommand, type Emulation, type EmulationMode } from "../emulation.ts";
import { findTool, imageIdCommand, type Argv, type EngineName, type Tool } from "./commands.ts";
import { daemonUnreachable, formatUnknown, toolMissing } from "./errors.ts";
import type { FamilyContext } from "./variables.ts";

/** One command line of an engine. @throws BtError COMMAND_FAILED, IMAGES_FAMILY_DAEMON */
export async function run(
  { exec }: Pick<FamilyContext, "exec">,
  [file = "", ...args]: Argv,
  options: ExecOptions & { readonly emulation?: Emulation } = {},
): Promise<ExecResult> {
  const { emulation = { kind: "none" }, ...own } = options;
  const wrapped = wrapCommand({ file, args, env: {} }, emulation);
  const env = { ...wrapped.env, ...own.env };
  try {
    return await exec(wrapped.file, wrapped.args, { ...own, env });
  } catch (error) {
    throw explain(error, file);
  }
}

/** A command line that only asks: what it says is not shown. */
export async function ask(context: Pick<FamilyContext, "exec">, command: Argv): Promise<ExecResult> {
  return run(context, command, { show: false, allowedCodes: "any" });
}

/** The ID of a local image. Empty: there is none. */
export async function findImageId(context: Pick<FamilyContext, "exec">, tool: Tool, ref: string): Promise<string> {
  const { exitCode, stdout } = await ask(context, imageIdCommand(tool, ref));
  return exitCode === 0 ? stdout.trim() : "";
}

/**
 * How a build's or a container's commands of these platforms run. `none` is taken at its word.
 * @throws BtError IMAGES_EMULATION_…
 */
export async function emulate(
  platforms: readonly string[],
  mode: EmulationMode,
  engine: EngineName,
): Promise<Emulation> {
  const arches = platforms.flatMap((platform): Arch[] => {
    const known = findPlatform(platform);
    return known === undefined ? [] : [known.arch];
  });
  return mode === "none" ? { kind: "none" } : chooseEmulation(arches, mode, engine);
}

/** An engine that is not there, or that says in its own words what is not. */
function explain(error: unknown, file: string): unknown {
  const text = textOf(error);
  const engine = findTool(file)?.engine;
  if (isBtError(error) && error.code === "COMMAND_MISSING" && engine !== undefined)
    return toolMissing(file, engine === "docker" ? "docker.io" : engine);
  if (/exec format error/i.test(text)) return formatUnknown("another architecture", "none");
  const [, address] =
    /Cannot connect to the Docker daemon at (\S+?)\.? Is the docker daemon running/.exec(text) ??
    /failed to connect to the docker API at (\S+?)[;,]/.exec(text) ??
    [];
  return address === undefined ? error : daemonUnreachable(address);
}

/**
 * A command line that runs programs. buildah and podman leave folders behind when they are killed: theirs is one that goes
 * away with the task.
 */
export async function runInside(
  context: Pick<FamilyContext, "exec" | "tempDir" | "isDryRun">,
  command: Argv,
  options: ExecOptions & { readonly emulation?: Emulation } = {},
): Promise<ExecResult> {
  const env = context.isDryRun ? {} : { TMPDIR: await context.tempDir() };
  return run(context, command, { ...options, env: { ...env, ...options.env } });
}

/** What an error says, with the last lines of its command. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const detail = "detail" in error && Array.isArray(error.detail) ? error.detail.map(String) : [];
  return [error.message, ...detail].join("\n");
}
