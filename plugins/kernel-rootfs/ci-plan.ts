/** What a pull request has to build. Pure; does not know git or the clock. */
import { labelUnknown, versionMissing } from "./errors.ts";
import type { Family } from "./family.ts";
import type { Plan, PlannedBuild, Stale } from "./plan.ts";
import { argumentsOf, dockerfileOf, findStage, nameOf, platformsOf, tagSuffix, usesOf, type Stage } from "./stage.ts";
import { flavorKeys, keysOf, type Versions } from "./version-store.ts";

/** How labels are read. */
export interface Select {
  readonly kernelPrefix: string;
  readonly none: string;
  readonly dryRun: string;
}

export interface PlanRequest {
  readonly family: Family;
  readonly select: Select;
  readonly registry: string;
  readonly ciSuffix: string;
  readonly dataDir: string;
  readonly labels: readonly string[];
  /** Files that differ, relative to the root. */
  readonly changed: readonly string[];
  /** Tag of the run. */
  readonly tag: string;
  readonly versions: Versions;
  readonly stale: readonly Stale[];
  /** `content`: what is stale is built, whatever has changed. */
  readonly by: "diff" | "content";
}

/** @throws BtError KERNEL_ROOTFS_LABEL_UNKNOWN, KERNEL_ROOTFS_VERSION_MISSING */
export function planCi(request: PlanRequest): Plan {
  const { family, select, labels, tag } = request;
  if (labels.includes(select.none)) return { run: false };
  const kernels = selectKernels(request);
  const reasons = findReasons(request, kernels);
  const isDryRun = labels.includes(select.dryRun);
  const keys = keysOf(family).filter((key) => reasons.has(key));
  const ordered = [...keys.filter((key) => !isOfKernel(key, family)), ...orderByKernel(keys, kernels, family)];
  const valueOf = (key: string): string => {
    if (reasons.has(key)) return `${tag}${tagSuffix(findStage(key, family)!)}`; // Reasons are only given to keys of the family.
    const known = request.versions.get(key)?.tag;
    if (known === undefined) throw versionMissing(key, taskOf(key));
    return known;
  };
  const builds = ordered.map((key) =>
    planBuild(key, reasons.get(key) ?? "", { request, valueOf, isBuilt: (one) => reasons.has(one) }),
  );
  const used = ordered.flatMap((key) => usesOf(findStage(key, family)!)).filter((key) => !reasons.has(key));
  return {
    run: true,
    ...(isDryRun ? { dryRun: true } : {}),
    tag,
    kernels,
    builds,
    uses: Object.fromEntries([...new Set(used)].sort().map((key) => [key, valueOf(key)])),
    writes: isDryRun ? {} : Object.fromEntries(ordered.map((key) => [key, valueOf(key)])),
    stale: request.stale,
    matrix: toMatrix(builds),
  };
}

/** In the order of the labels; without a label all of them. */
function selectKernels({ family, select, labels }: PlanRequest): readonly string[] {
  const known = [...family.kernels.keys()];
  const named = labels.filter((label) => label.startsWith(select.kernelPrefix) && label !== select.kernelPrefix);
  if (named.length === 0) return known;
  return [
    ...new Set(
      named.map((label) => {
        const kernel = label.slice(select.kernelPrefix.length);
        if (!family.kernels.has(kernel)) throw labelUnknown(label, kernel, known);
        return kernel;
      }),
    ),
  ];
}

/** Key to the reason why it is built. */
function findReasons(request: PlanRequest, kernels: readonly string[]): ReadonlyMap<string, string> {
  const { family, changed, by, stale } = request;
  const reasons = new Map<string, string>();
  const mine = keysOf(family).filter((key) => {
    const stage = findStage(key, family)!; // A key of the family.
    return !("kernel" in stage) || kernels.includes(stage.kernel.name);
  });
  for (const key of mine) {
    const stage = findStage(key, family)!; // As above.
    const hit = by === "content" ? stale.find((one) => one.key === key)?.why : findHit(stage, request);
    if (hit !== undefined) reasons.set(key, by === "content" ? hit : `${hit} changed`);
  }
  // Kernels and what contains them may have new commits upstream, so any change builds them.
  if (by === "diff" && changed.length > 0)
    for (const key of mine) if (isOfKernel(key, family) && !reasons.has(key)) reasons.set(key, `${changed[0]} changed`);
  if (by === "content")
    for (const key of mine) {
      const built = usesOf(findStage(key, family)!).find((one) => reasons.has(one));
      if (built !== undefined && !reasons.has(key)) reasons.set(key, `${built} is built`);
    }
  return reasons;
}

/** The changed file that a stage is made of. */
function findHit(stage: Stage, { changed, dataDir }: PlanRequest): string | undefined {
  const paths = pathsOf(stage, dataDir);
  return changed.find((file) => paths.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** Files and folders that a stage without a kernel is made of. */
export function pathsOf(stage: Stage, dataDir: string): readonly string[] {
  switch (stage.kind) {
    case "kernel-builder":
    case "root-builder":
      return [dockerfileOf(stage)];
    case "root-images":
      return [dockerfileOf(stage), ...["images.json", "env.sh", "bootstrap"].map((name) => `${dataDir}/${name}`)];
    case "kernel-images":
    case "flavor":
      return [];
  }
}

function isOfKernel(key: string, family: Family): boolean {
  const stage = findStage(key, family);
  return stage !== undefined && "kernel" in stage;
}

/** Stage by stage, each in the order of the kernels that were asked for. */
function orderByKernel(keys: readonly string[], kernels: readonly string[], family: Family): readonly string[] {
  const all = [
    ...kernels.map((kernel) => `kernel-images/${kernel}`),
    ...Object.keys(family.flavors).flatMap((flavor) => kernels.flatMap((kernel) => flavorKeys(family, flavor, kernel))),
  ];
  return all.filter((key) => keys.includes(key));
}

function planBuild(
  key: string,
  reason: string,
  {
    request,
    valueOf,
    isBuilt,
  }: {
    readonly request: PlanRequest;
    readonly valueOf: (key: string) => string;
    readonly isBuilt: (key: string) => boolean;
  },
): PlannedBuild {
  const stage = findStage(key, request.family)!; // The caller's keys are the family's.
  const { name, prefix } = nameOf(stage);
  return {
    stage: name,
    key,
    image: `${request.registry}/${name}${request.ciSuffix}:${prefix}${valueOf(key)}`,
    dockerfile: dockerfileOf(stage),
    platforms: platformsOf(stage),
    buildArgs: argumentsOf(stage, valueOf),
    needs: usesOf(stage).filter(isBuilt),
    reason,
  };
}

/** Rows for `strategy.matrix`, stage by stage. */
export function toMatrix(builds: readonly PlannedBuild[]): Plan["matrix"] & object {
  const stages = [...new Set(builds.map(({ stage }) => stage))];
  return Object.fromEntries(
    stages.map((stage) => [
      stage,
      {
        include: builds
          .filter((build) => build.stage === stage)
          .map(({ key, image, dockerfile, platforms, buildArgs }) => ({
            key,
            image,
            dockerfile,
            platforms: platforms.join(","),
            "build-args": Object.entries(buildArgs)
              .map(([name, value]) => `${name}=${value}`)
              .join("\n"),
          })),
      },
    ]),
  );
}

/** The task that makes what a key stands for. */
export function taskOf(key: string): string {
  const [stage = "", ...rest] = key.split("/");
  if (stage === "root-images") return `root-images:${rest[0]}`;
  return rest.length === 0 || stage === "root-builder" ? stage : `${stage}:${rest.at(-1)}`;
}
