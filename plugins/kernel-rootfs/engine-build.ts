/** The commands of the Makefile, for one item. Pure; starts nothing. */
import * as path from "node:path";
import type { Family, Kernel } from "./family.ts";
import { renderName, repositoryOf, rootImagesTag } from "./names.ts";
import type { MakeValues } from "./params.ts";

/** One `docker build`. */
export interface EngineBuild {
  readonly dockerfile: string;
  /** `--no-cache`: what is fetched may have changed. */
  readonly isFresh: boolean;
  readonly buildArgs: readonly (readonly [string, string])[];
  /** Absent: the engine's own. */
  readonly platform?: string;
  readonly ref: string;
}

interface Planning {
  readonly values: MakeValues;
  readonly family: Family;
  readonly ciSuffix: string;
}

/** What the Makefile would say, for one item. */
export function planEngineBuild(what: string, cell: Readonly<Record<string, string>>, planning: Planning): EngineBuild {
  const { values, family, ciSuffix } = planning;
  const repository = repositoryOf(values, what, ciSuffix);
  const kernel = family.kernels.get(cell["kernel"] ?? "");
  if (kernel !== undefined) return planKernelBuild(what, kernel, { ...planning, repository });
  const { rootBuilderTag, rootImagesTag: tag, kernelBuilderTag } = values;
  const suite = cell["suite"];
  if (suite === undefined) {
    const own = what === "kernel-builder" ? kernelBuilderTag : rootBuilderTag;
    return {
      dockerfile: `dockerfiles/${what}`,
      isFresh: false,
      buildArgs: [],
      ref: renderName({ repository, tag: own }),
    };
  }
  return {
    dockerfile: "dockerfiles/root-images",
    isFresh: false,
    buildArgs: [["ROOT_BUILDER_TAG", rootBuilderTag], ...(suite === "sid" ? [] : [["PKG_REPO", suite] as const])],
    ref: renderName({ repository, tag: rootImagesTag(tag, suite) }),
  };
}

function planKernelBuild(
  what: string,
  kernel: Kernel,
  { values, repository }: Planning & { readonly repository: string },
): EngineBuild {
  const { name, source } = kernel;
  const ref = renderName({ repository, tag: name });
  const version = ["KERNEL_VER", name] as const;
  if (what !== "kernel-images")
    return {
      dockerfile: `dockerfiles/${what}-images`,
      isFresh: true,
      buildArgs: [
        version,
        ["KERNEL_IMAGE_TAG", name],
        ["ROOT_BUILDER_TAG", values.rootBuilderTag],
        ["ROOT_IMAGES_TAG", rootImagesTag(values.rootImagesTag, kernel.pkgRepo)],
      ],
      ref,
    };
  const isRpm = source?.kind === "src-rpm";
  return {
    dockerfile: kernel.dockerfile,
    isFresh: true,
    buildArgs: isRpm ? [version, ...rhelArguments(kernel)] : [["KERNEL_BUILDER_TAG", values.kernelBuilderTag], version],
    platform: isRpm ? "linux/amd64" : values.targetArch.map((arch) => `linux/${arch}`).join(","),
    ref,
  };
}

/** Arguments of the dockerfiles of source rpms. */
export function rhelArguments({ source }: Pick<Kernel, "source">): readonly (readonly [string, string])[] {
  if (source?.kind !== "src-rpm") return [];
  return [
    ["RHEL_REPO", source.repo],
    ["RHEL_VER", source.ver],
    ["RHEL_KVER", source.kver],
  ];
}

/** In the order of the Makefile. */
export function engineArguments({ dockerfile, isFresh, buildArgs, platform, ref }: EngineBuild): readonly string[] {
  const args = buildArgs.flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
  const where = platform === undefined ? [] : [`--platform=${platform}`];
  if (!isFresh) return ["build", "-f", path.normalize(dockerfile), ...args, "-t", ref, "."];
  return ["build", "--no-cache", ...args, ...where, "-f", path.normalize(dockerfile), "-t", ref, "."];
}
