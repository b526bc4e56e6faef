/** Which stages of a Dockerfile a build needs, and what each is based on. Pure; does not know files, or what images hold. */
import { closest, parsePlatform, type Arch, type Place } from "../../core/index.ts";
import type { Dockerfile, Stage } from "./dockerfile.ts";
import { fromCircle, fromUnset, stageMissing, targetUnknown } from "./dockerfile-errors.ts";
import type { Instruction } from "./instruction.ts";
import {
  createScope,
  createStageScope,
  declareArgs,
  declareEnv,
  expandIn,
  type Scope,
  type ScopeOptions,
} from "./scope.ts";

/** What a stage begins with, or what a `--from` reads. */
export type Origin =
  | { readonly kind: "scratch" }
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly reference: string };

/** A stage that the build needs. */
export interface PlannedStage {
  readonly stage: Stage;
  readonly base: Origin;
  readonly platform: Arch;
  /** What each `--from`, also in `RUN --mount`, of the stage reads. */
  readonly sources: ReadonlyMap<Instruction, readonly Origin[]>;
}

/** A Dockerfile with every FROM resolved. */
export interface BuildPlan {
  readonly dockerfile: Dockerfile;
  /** The variables before the first FROM. */
  readonly global: Scope;
  /** The needed stages, in file order; the last one is the result. */
  readonly stages: readonly PlannedStage[];
}

/** What to plan for. */
export interface PlanOptions extends Omit<ScopeOptions, "escape"> {
  /** Name or number of the stage to build. Default: the last one. */
  readonly target?: string;
}

/**
 * Plans a build.
 * @throws BtError IMAGES_TARGET_UNKNOWN, IMAGES_STAGE_MISSING, IMAGES_FROM_UNSET, IMAGES_FROM_CIRCLE, IMAGES_VARIABLE_…, PLATFORM_UNKNOWN
 */
export function planBuild(dockerfile: Dockerfile, options: PlanOptions): BuildPlan {
  const { args, platform, buildPlatform } = options;
  let global = createScope({ args, platform, buildPlatform, escape: dockerfile.escape });
  for (const arg of dockerfile.args) global = declareArgs(global, arg.pairs, { at: arg.at });
  const needed = new Map<number, PlannedStage>();
  const waiting = [findTarget(dockerfile, options.target).index];
  while (waiting.length > 0) {
    const index = waiting.pop()!;
    if (needed.has(index)) continue;
    const planned = planStage(dockerfile, dockerfile.stages[index]!, global);
    needed.set(index, planned);
    for (const origin of [planned.base, ...[...planned.sources.values()].flat()]) {
      if (origin.kind === "stage") waiting.push(origin.index);
    }
  }
  const stages = [...needed.values()].sort((a, b) => a.stage.index - b.stage.index);
  return { dockerfile, global, stages };
}

function findTarget({ file, stages }: Dockerfile, target: string | undefined): Stage {
  if (target === undefined) return stages.at(-1)!;
  const found =
    stages.find(({ name }) => name === target.toLowerCase()) ??
    (/^\d+$/.test(target) ? stages[Number(target)] : undefined);
  if (found === undefined) throw targetUnknown(file, target, namesOf(stages));
  return found;
}

function planStage(dockerfile: Dockerfile, stage: Stage, global: Scope): PlannedStage {
  const { from } = stage;
  const reference = expandIn(global, from.image, from.at);
  if (reference === "") throw fromUnset(from.at, from.image);
  const wanted = from.platform === undefined ? "" : expandIn(global, from.platform, from.at);
  if (from.platform !== undefined && wanted === "") throw fromUnset(from.at, from.platform);
  const own = wanted === "" ? undefined : parsePlatform(wanted).arch;
  const base =
    reference === "scratch"
      ? ({ kind: "scratch" } as const)
      : findStage(dockerfile, { name: reference, before: stage, at: from.at });
  return {
    stage,
    base: base ?? { kind: "image", reference },
    platform: own ?? inheritedPlatform(dockerfile, base, global),
    sources: findSources(dockerfile, stage, global),
  };
}

/** A stage on top of another one is for the same platform. */
function inheritedPlatform(dockerfile: Dockerfile, base: Origin | undefined, global: Scope): Arch {
  if (base?.kind !== "stage") return global.options.platform;
  return planStage(dockerfile, dockerfile.stages[base.index]!, global).platform;
}

function findSources(dockerfile: Dockerfile, stage: Stage, global: Scope): ReadonlyMap<Instruction, readonly Origin[]> {
  const sources = new Map<Instruction, readonly Origin[]>();
  // The ENV of the base is not known yet; other builders do not replace it in --from either.
  let scope = createStageScope(global.options, new Map());
  for (const instruction of stage.instructions) {
    const { at } = instruction;
    if (instruction.kind === "arg") scope = declareArgs(scope, instruction.pairs, { at, global });
    if (instruction.kind === "env") scope = declareEnv(scope, instruction.pairs, at);
    const both: Scope = { ...scope, args: new Map([...global.args, ...scope.args]) };
    const origins = writtenSources(instruction).map((name) =>
      findOrigin(dockerfile, { name: expandIn(both, name, at), before: stage, at }),
    );
    if (origins.length > 0) sources.set(instruction, origins);
  }
  return sources;
}

/** Values of --from, as written. */
function writtenSources(instruction: Instruction): readonly string[] {
  if (instruction.kind === "copy" && instruction.from !== undefined) return [instruction.from];
  if (instruction.kind !== "run") return [];
  const froms = instruction.mounts.flatMap((mount) => mount.split(",").filter((part) => part.startsWith("from=")));
  return froms.map((part) => part.slice("from=".length));
}

interface Lookup {
  readonly name: string;
  readonly before: Stage;
  readonly at: Place;
}

/** The stage or image that a --from names. */
function findOrigin(dockerfile: Dockerfile, lookup: Lookup): Origin {
  if (lookup.name === "") throw fromUnset(lookup.at, "--from");
  const stage = findStage(dockerfile, lookup);
  if (stage !== undefined) return stage;
  const names = namesOf(dockerfile.stages.slice(0, lookup.before.index));
  if (/^\d+$/.test(lookup.name)) {
    const { stages } = dockerfile;
    throw Number(lookup.name) < stages.length
      ? fromCircle(lookup.at, lookup.name)
      : stageMissing(lookup.at, lookup.name, names);
  }
  // A bare word near a stage's name is a misspelling; an image of that name can be written with its tag.
  if (/^[a-z0-9_-]+$/i.test(lookup.name) && closest(lookup.name, names) !== undefined)
    throw stageMissing(lookup.at, lookup.name, names);
  return { kind: "image", reference: lookup.name };
}

function findStage(dockerfile: Dockerfile, { name, before, at }: Lookup): Origin | undefined {
  const named = dockerfile.stages.find((stage) => stage.name === name.toLowerCase());
  // A later stage of that name does not hide an image in FROM: `FROM debian AS debian`.
  if (named !== undefined && named.index < before.index) return { kind: "stage", index: named.index };
  if (named !== undefined && before.from.at !== at) throw fromCircle(at, name);
  const isNumber = /^\d+$/.test(name) && before.from.at !== at;
  return isNumber && Number(name) < before.index ? { kind: "stage", index: Number(name) } : undefined;
}

function namesOf(stages: readonly Stage[]): readonly string[] {
  return stages.flatMap(({ name }) => (name === undefined ? [] : [name]));
}
