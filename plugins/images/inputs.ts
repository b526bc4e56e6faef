/** What building a Dockerfile would read: images, context files, build arguments. Works for every engine; builds and fetches nothing. */
import { hostPlatform, type Arch, type Place } from "../../core/index.ts";
import { openContext, type Context, type Witness } from "./context.ts";
import { loadDockerfile } from "./dockerfile-file.ts";
import { loadIgnoreRules } from "./ignore.ts";
import type { Instruction } from "./instruction.ts";
import { planBuild, type BuildPlan, type PlannedStage } from "./plan.ts";
import { createStageScope, declareArgs, declareEnv, expandIn, type Scope } from "./scope.ts";
import { cleanNames, findSources } from "./source.ts";
import { parseHeredocWord } from "./statement.ts";
import { joinPath, walkTree, type Node } from "./tree.ts";

/** An image that a build reads. */
export interface BaseInput {
  /** As written after variables are replaced. */
  readonly reference: string;
  readonly platform: Arch;
  /** The first line that names it. */
  readonly at: Place;
}

/** What a build reads besides the Dockerfile itself. */
export interface BuildInputs {
  /** Images in FROM and --from; sorted, each once. */
  readonly bases: readonly BaseInput[];
  /** Files and links of the context, relative to it, sorted. Sources that do not exist yet are left out. */
  readonly files: readonly string[];
  /** Names that ARG declares in the needed stages and before the first FROM; sorted. */
  readonly args: readonly string[];
  /** Whether a needed stage has a RUN, so that the embedded engine cannot build it. */
  readonly runs: boolean;
}

/** What changes the answer. */
export interface InputOptions {
  /** Build arguments. Default: none. */
  readonly args?: Readonly<Record<string, string>>;
  /** Default: this machine's. */
  readonly platform?: Arch;
  /** Default: the last stage. */
  readonly target?: string;
  /** Paths in messages are relative to this folder. Default: they are as given. */
  readonly cwd?: string;
  /** Hears what is looked at in the context. */
  readonly witness?: Witness;
}

/**
 * What building the Dockerfile at path `dockerfile` from the folder `context` reads. The ENV of base images is not known here.
 * @throws BtError as parseDockerfile and planBuild; IMAGES_CONTEXT_MISSING; IMAGES_SOURCE_OUTSIDE for `../` in a COPY
 */
export async function findInputs(
  dockerfile: string,
  context: string,
  options: InputOptions = {},
): Promise<BuildInputs> {
  const plan = await planInputs(dockerfile, options);
  const tree = await openContext(context, await loadIgnoreRules(dockerfile, context), options.witness);
  const files = new Set<string>();
  for (const planned of plan.stages) for (const file of await findFiles(tree, planned, plan.global)) files.add(file);
  const declared = [
    ...plan.dockerfile.args,
    ...plan.stages.flatMap(({ stage }) => stage.instructions.filter(({ kind }) => kind === "arg")),
  ];
  return {
    bases: basesOf(plan.stages),
    files: sortOnce(files),
    args: sortOnce(declared.flatMap((arg) => ("pairs" in arg ? arg.pairs.map(({ name }) => name) : []))),
    runs: hasRun(plan.stages),
  };
}

function basesOf(stages: readonly PlannedStage[]): readonly BaseInput[] {
  const bases = new Map<string, BaseInput>();
  for (const { stage, base, sources, platform } of stages) {
    const named = [[stage.from, [base]] as const, ...sources];
    for (const [{ at }, origins] of named)
      for (const origin of origins) {
        if (origin.kind !== "image") continue;
        const { reference } = origin;
        const key = `${reference} ${platform}`;
        bases.set(key, bases.get(key) ?? { reference, platform, at });
      }
  }
  return [...bases].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, base]) => base);
}

/**
 * The part that can be told without looking at the context.
 * @throws BtError as parseDockerfile and planBuild
 */
export async function findNeeds(
  dockerfile: string,
  options: InputOptions = {},
): Promise<Pick<BuildInputs, "bases" | "runs">> {
  const { stages } = await planInputs(dockerfile, options);
  return { bases: basesOf(stages), runs: hasRun(stages) };
}

function hasRun(stages: readonly PlannedStage[]): boolean {
  return stages.some(({ stage }) => stage.instructions.some(({ kind }) => kind === "run"));
}

/** The plan of a Dockerfile on disk. */
export async function planInputs(dockerfile: string, options: InputOptions): Promise<BuildPlan> {
  const { args = {}, platform = hostPlatform().arch, target, cwd } = options;
  return planBuild(await loadDockerfile(dockerfile, cwd), {
    args,
    platform,
    buildPlatform: hostPlatform().arch,
    ...(target === undefined ? {} : { target }),
  });
}

async function findFiles(context: Context, { stage }: PlannedStage, global: Scope): Promise<readonly string[]> {
  const files: string[] = [];
  let scope = createStageScope(global.options, new Map());
  for (const instruction of stage.instructions) {
    const { at } = instruction;
    if (instruction.kind === "arg") scope = declareArgs(scope, instruction.pairs, { at, global });
    if (instruction.kind === "env") scope = declareEnv(scope, instruction.pairs, at);
    for (const source of contextSources(instruction)) {
      // No task can bring what stands above the context. With a variable, which bases may set, building knows better.
      if (!source.includes("$")) cleanNames(context, source, at);
      files.push(...(await filesOf(context, expandIn(scope, source, at), instruction)));
    }
  }
  return files;
}

/** Sources that the context may hold; a bind mount without --from reads all of it. */
function contextSources(instruction: Instruction): readonly string[] {
  if (instruction.kind === "run") {
    const binds = instruction.mounts.filter((mount) => !/(^|,)(type=(?!bind)|from=)/.test(mount));
    return binds.map((mount) => /(?:^|,)(?:source|src)=([^,]*)/.exec(mount)?.[1] ?? ".");
  }
  if ((instruction.kind !== "copy" && instruction.kind !== "add") || instruction.from !== undefined) return [];
  return instruction.sources.filter(
    (source) => parseHeredocWord(source) === undefined && !/^([a-z][a-z0-9+.-]*:\/\/|git@)/i.test(source),
  );
}

async function filesOf(context: Context, source: string, { at }: Instruction): Promise<readonly string[]> {
  const files: string[] = [];
  try {
    for (const { path, node } of await findSources(context, source, at)) {
      if (node.kind !== "folder") files.push(path);
      else
        for await (const [below, child] of walkTree(context, path))
          if (isKept(child)) files.push(joinPath(path, below));
    }
  } catch {
    // A file that is missing now may be the result of a task that has not run; building says what is wrong with it.
  }
  return files;
}

function isKept({ kind }: Node): boolean {
  return kind === "file" || kind === "link";
}

function sortOnce(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].sort();
}
