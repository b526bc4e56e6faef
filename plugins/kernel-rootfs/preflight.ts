/** What this machine lacks for the tasks that are going to run: programs, dockerfiles, an engine that reads them, one kernel to boot. Starts engines only to ask for their version. */
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";
import { findTool, isBtError, type BtError, type Node } from "../../core/index.ts";
import { kernelDirWrong } from "./data-errors.ts";
import { engineOf, readDockerfile, type Engine } from "./dockerfile.ts";
import { planEngineBuild } from "./engine-build.ts";
import { heredocUnsupported, toolMissing } from "./errors.ts";
import type { Family } from "./family.ts";
import { findVmlinuz } from "./forest.ts";
import type { RootfsBackend } from "./options.ts";
import type { MakeValues } from "./params.ts";
import { qemuProgram } from "./qemu.ts";
import type { Shop } from "./shop.ts";
import { throwTogether } from "./together.ts";
import { bootstrapTools, builderTools, diskTools, installOf, kernelTools } from "./tools.ts";

interface Place {
  readonly shop: Shop;
  /** Name of a task of the plugin, by its handle. */
  readonly keyOf: ReadonlyMap<object, string>;
  readonly root: string;
}

type Values = Readonly<Record<string, unknown>>;

/** @throws BtError KERNEL_ROOTFS_TOOL_MISSING, KERNEL_ROOTFS_DOCKERFILE_MISSING, KERNEL_ROOTFS_HEREDOC, KERNEL_ROOTFS_KERNEL_DIR: all mistakes together */
export async function checkHost(nodes: readonly Node[], { shop, keyOf, root }: Place): Promise<void> {
  const family = await shop.family();
  const askedFor = new Map<string, string>();
  const mistakes: BtError[] = [];
  const versions = new Map<string, Promise<string>>();
  const askVersion = (program: string): Promise<string> => {
    const answer = versions.get(program) ?? findVersion(program, root);
    versions.set(program, answer);
    return answer;
  };
  for (const node of nodes) {
    const key = keyOf.get(node.task.handle) ?? "";
    const values = Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, value]));
    for (const tool of programsOf(key, { values, node, family })) if (!askedFor.has(tool)) askedFor.set(tool, node.id);
    const wrong = findWrongDir(key, values, root);
    if (wrong !== undefined) mistakes.push(wrong);
    if (values["buildMode"] !== "container") continue;
    const make = values as unknown as MakeValues; // Only tasks of the Makefile have a build mode.
    const { dockerfile } = planEngineBuild(key, node.cell, { values: make, family, ciSuffix: shop.ciSuffix });
    const mistake = await findMistake(dockerfile, { root, program: make.docker, askVersion });
    if (mistake !== undefined) mistakes.push(mistake);
  }
  const missing = [...askedFor].filter(([tool]) => findProgram(tool, root) === undefined);
  throwTogether([...missing.map(([tool, task]) => toolMissing(tool, task, installFor(tool))), ...mistakes]);
}

/** Programs that a task starts, whatever it finds. */
function programsOf(
  key: string,
  { values, node, family }: { readonly values: Values; readonly node: Node; readonly family: Family },
): readonly string[] {
  const image = family.images.get(node.cell["image"] ?? "");
  const backend = values["rootfsBackend"] as RootfsBackend; // As params.ts declares it.
  const packages = image !== undefined && image.parent === undefined ? bootstrapTools : [];
  switch (key) {
    case "kernel:fetch":
      return family.kernels.get(node.cell["kernel"] ?? "")?.source?.kind === "git" ? ["git"] : [];
    case "kernel:configure":
    case "kernel:build":
      return kernelTools(String(values["targetArch"]));
    case "rootfs:bootstrap":
      return packages;
    case "rootfs:pack":
      return [...(backend === "libguestfs" ? packages : []), ...diskTools[backend]];
    case "rootfs:install-kernel":
      return diskTools[backend];
    case "vm:run":
    case "vm:check":
      return [qemuProgram(String(values["qemuArch"]))];
  }
  if (values["buildMode"] === "container") return [String(values["docker"])];
  return builderTools[key] ?? (family.flavors[key] === undefined ? [] : diskTools[backend]);
}

/** A folder with several kernels does not say which one to boot. One with none may get it meanwhile. */
function findWrongDir(key: string, { kernel, kernelDir }: Values, root: string): BtError | undefined {
  if (!key.startsWith("vm:") || kernel !== undefined || typeof kernelDir !== "string") return undefined;
  const dir = path.resolve(root, kernelDir);
  const found = fs.existsSync(path.join(dir, "boot")) ? findVmlinuz(dir) : [];
  return found.length > 1 ? kernelDirWrong({ where: "KERNEL_DIR" }, kernelDir, found) : undefined;
}

function installFor(tool: string): string {
  return installOf(path.basename(tool) === "docker" ? "docker.io" : path.basename(tool));
}

function findProgram(tool: string, root: string): string | undefined {
  return findTool(tool.includes("/") ? path.resolve(root, tool) : tool, process.env["PATH"] ?? "");
}

/** First version that reads heredocs. */
const heredocSince: Readonly<Record<Exclude<Engine, "docker">, readonly [major: number, minor: number]>> = {
  buildah: [1, 33],
  podman: [4, 8],
};

/** The dockerfile is not there, or has a heredoc that the engine cannot read. */
async function findMistake(
  dockerfile: string,
  {
    root,
    program,
    askVersion,
  }: { readonly root: string; readonly program: string; readonly askVersion: (program: string) => Promise<string> },
): Promise<BtError | undefined> {
  try {
    const lines = readDockerfile(root, dockerfile).split("\n");
    const engine = engineOf(program);
    const at = lines.findIndex((line) => /^\s*(COPY|ADD|RUN)\b.*<<-?["']?\w/i.test(line));
    if (at === -1 || engine === "docker") return undefined;
    const [version, major, minor] = /(\d+)\.(\d+)[\w.]*/.exec(await askVersion(program)) ?? [];
    const [sinceMajor, sinceMinor] = heredocSince[engine];
    if (version === undefined || Number(major) > sinceMajor) return undefined;
    if (Number(major) === sinceMajor && Number(minor) >= sinceMinor) return undefined;
    return heredocUnsupported({ where: dockerfile, line: at + 1, source: lines[at]! }, engine, version);
  } catch (error) {
    if (isBtError(error)) return error;
    throw error;
  }
}

/** Empty: it does not say, which its task will tell. */
async function findVersion(program: string, root: string): Promise<string> {
  try {
    return (await promisify(execFile)(program, ["--version"], { cwd: root, timeout: 10_000 })).stdout;
  } catch {
    return "";
  }
}
