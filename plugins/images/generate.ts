/** The Dockerfile that an engine is given: the needed stages, every image by the name it has for that engine. Pure; does not know engines. */
import { hostPlatform, ociPlatform, type Arch } from "../../core/index.ts";
import { heredocUnsupported } from "./engine-errors.ts";
import type { Copy, Instruction } from "./instruction.ts";
import type { BuildPlan, Origin, PlannedStage } from "./plan.ts";
import { platformArgs } from "./scope.ts";
import { parseHeredocWord } from "./statement.ts";

/** How images are called. */
export interface Names {
  /** An image of FROM or --from. */
  readonly nameOf: (reference: string, platform: Arch) => string;
  /** The image with the files that stand in the Dockerfile itself. Absent: there are none. */
  readonly heredocs?: string;
  /** A label for all stages, by which what the engine keeps of the build can be found. Default: none. */
  readonly mark?: string;
}

/** Files of one COPY, in a folder of the image with all of them. */
export interface HeredocFiles {
  readonly copy: Copy;
  /** `0`, `1`, … */
  readonly folder: string;
}

/** The text of the Dockerfile. Comments and stages that nobody needs are gone, and each instruction is one line. */
export function generateDockerfile(plan: BuildPlan, names: Names): string {
  const { escape, args } = plan.dockerfile;
  const { platform } = plan.global.options;
  const folders = new Map<Instruction, string>(findHeredocs(plan).map(({ copy, folder }) => [copy, folder]));
  // Declared before the first FROM they count as used, whether a stage asks for them or not.
  const known = Object.entries(platformArgs(platform, platform)).filter(
    ([name, value]) => name.startsWith("TARGET") && value !== "",
  );
  const lines = [...known.map(([name]) => `ARG ${name}`), ...args.map(({ text }) => text)];
  for (const planned of plan.stages) {
    if (isEmpty(planned) && planned !== plan.stages.at(-1)) continue;
    lines.push(renderFrom(plan, planned, names));
    if (names.mark !== undefined) lines.push(`LABEL ${names.mark}`);
    for (const instruction of planned.stage.instructions) {
      const origins = planned.sources.get(instruction) ?? [];
      const folder = folders.get(instruction);
      if (folder !== undefined && names.heredocs !== undefined)
        lines.push(renderHeredoc(instruction as Copy, `${names.heredocs} /${folder}`)); // Only COPY and ADD are in the map.
      else
        lines.push(
          replaceSources(
            instruction,
            origins.map((origin) => nameOrigin(plan, { origin, planned }, names)),
          ),
        );
    }
  }
  return `${escape === "\\" ? "" : `# escape=${escape}\n`}${lines.join("\n")}\n`;
}

/**
 * Files that stand in the Dockerfile itself, which not every engine understands.
 * @throws BtError IMAGES_HEREDOC_UNSUPPORTED for those that cannot be written beforehand
 */
export function findHeredocs(plan: BuildPlan): readonly HeredocFiles[] {
  const found: Copy[] = [];
  for (const instruction of plan.stages.flatMap(({ stage }) => stage.instructions)) {
    const { at } = instruction;
    if (instruction.kind === "run" && /(^|[\s;&|(])\d*<<-?["']?[A-Za-z_]/.test(instruction.text))
      throw heredocUnsupported(at, "run");
    if (instruction.kind !== "copy" && instruction.kind !== "add") continue;
    if (instruction.heredocs.length === 0) continue;
    if (instruction.heredocs.length < instruction.sources.length) throw heredocUnsupported(at, "mixed");
    if (instruction.heredocs.some(({ expands, content }) => expands && /[$\\]/.test(content)))
      throw heredocUnsupported(at, "variable");
    found.push(instruction);
  }
  return found.map((copy, index) => ({ copy, folder: String(index) }));
}

/** Platforms whose programs the build runs: those of stages with a RUN; sorted. */
export function findCommandPlatforms(plan: BuildPlan): readonly Arch[] {
  const running = plan.stages.filter(({ stage }) => stage.instructions.some(({ kind }) => kind === "run"));
  return [...new Set(running.map(({ platform }) => platform))].sort();
}

/** Whether an instruction has no place in an OCI config as engines write it. */
export function needsDockerFormat(plan: BuildPlan): boolean {
  const kinds = plan.stages.flatMap(({ stage }) => stage.instructions.map(({ kind }) => kind));
  return kinds.some((kind) => kind === "healthcheck" || kind === "shell" || kind === "onbuild");
}

const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"];

/** The build arguments that the needed stages declare, with the platform's own; an engine warns of others. Sorted by name. */
export function findArgs(plan: BuildPlan): Readonly<Record<string, string>> {
  const { args, platform } = plan.global.options;
  const instructions = [...plan.dockerfile.args, ...plan.stages.flatMap(({ stage }) => stage.instructions)];
  const declared = new Set(
    instructions.flatMap((instruction) =>
      instruction.kind === "arg" ? instruction.pairs.map(({ name }) => name) : [],
    ),
  );
  const known = Object.entries({ ...platformArgs(platform, hostPlatform().arch), ...args });
  const used = known.filter(([name]) => declared.has(name) || proxies.includes(name.toUpperCase()));
  return Object.fromEntries(used.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `--build-arg A=1 --build-arg B=2`. */
export function pairFlags(flag: string, values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => [flag, `${name}=${value}`]);
}

function renderFrom(plan: BuildPlan, planned: PlannedStage, names: Names): string {
  const { platform, stage } = planned;
  const base = skipEmpty(plan, { origin: planned.base, planned });
  const isForeign = base.origin.kind === "image" && platform !== plan.global.options.platform;
  const flag = isForeign ? `--platform=${ociPlatform(platform)} ` : "";
  return `FROM ${flag}${nameOrigin(plan, base, names)} AS ${stageName(plan, stage.index)}`;
}

/** Something that a stage begins with or reads. */
interface Use {
  readonly origin: Origin;
  readonly planned: PlannedStage;
}

function nameOrigin(plan: BuildPlan, use: Use, names: Names): string {
  const { origin, planned } = skipEmpty(plan, use);
  switch (origin.kind) {
    case "scratch":
      return "scratch";
    case "stage":
      return stageName(plan, origin.index);
    case "image":
      return names.nameOf(origin.reference, planned.platform);
  }
}

/** The image behind stages that do nothing: buildah would try to remove it with the stage. */
function skipEmpty(plan: BuildPlan, use: Use): Use {
  const { origin } = use;
  const planned = origin.kind === "stage" ? plan.stages.find(({ stage }) => stage.index === origin.index) : undefined;
  return planned !== undefined && isEmpty(planned) ? skipEmpty(plan, { origin: planned.base, planned }) : use;
}

function isEmpty({ base, stage }: PlannedStage): boolean {
  return stage.instructions.length === 0 && base.kind !== "scratch";
}

/** Numbers change when a stage is left out. */
function stageName(plan: BuildPlan, index: number): string {
  return plan.dockerfile.stages[index]?.name ?? `stage-${index}`;
}

/** The instruction with the n-th `from` replaced by the n-th name. */
function replaceSources({ text }: Instruction, names: readonly string[]): string {
  if (names.length === 0) return text;
  const waiting = [...names];
  const next = (): string => waiting.shift() ?? names.at(-1)!;
  const flags = /^\w+(\s+--[A-Za-z][A-Za-z0-9-]*(=\S*)?)*/.exec(text)?.[0] ?? "";
  const replaced = flags.replace(/(--from=|--mount=\S*?\bfrom=)[^\s,]*/g, (_, before: string) => before + next());
  return replaced + text.slice(flags.length);
}

/** `COPY --chown=1 <<A /x` becomes `COPY --chown=1 --from=IMAGE FOLDER/A /x`. */
function renderHeredoc({ text, target }: Copy, place: string): string {
  const [image = "", folder = ""] = place.split(" ");
  const flags = /^\w+((\s+--[A-Za-z][A-Za-z0-9-]*(=\S*)?)*)/.exec(text)?.[1] ?? "";
  const words = text.split(/\s+/).flatMap((word) => parseHeredocWord(word)?.name ?? []);
  return `COPY${flags} --from=${image} ${words.map((word) => `${folder}/${word}`).join(" ")} ${target}`;
}
