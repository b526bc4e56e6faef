/** Which task needs which: one table for the Makefile's graph, the native steps and images with their parents. Pure. */
import type { Family } from "./family.ts";
import { kernelOfDir } from "./family.ts";
import { descendantsOf } from "./forest.ts";
import type { KernelRootfsOptions, TargetArch } from "./options.ts";
import { hostArch, type MakeValues } from "./params.ts";

/** A task of the plugin that is needed. */
export interface Wanted {
  readonly task: string;
  /** Absent: the task has no cells. */
  readonly cell?: string;
  /** Name of its result. */
  readonly as: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** Who needs. */
interface Needing {
  readonly key: string;
  readonly cell: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, unknown>>;
}

interface Known {
  readonly family: Family;
  readonly options: KernelRootfsOptions;
}

export function needsOf(needing: Needing, known: Known): readonly Wanted[] {
  const { key, cell, values } = needing;
  const kernel = cell["kernel"] ?? "";
  const image = cell["image"] ?? "";
  const one = (task: string, name: string, as = task): readonly Wanted[] => [{ task, cell: name, as }];
  switch (key) {
    case "kernel:configure":
      return one("kernel:fetch", kernel, "source");
    case "kernel:build":
      return one("kernel:configure", kernel, "configured");
    case "kernel:btf":
      return one("kernel:build", kernel, "built");
    case "kernel:pack":
      return one("kernel:btf", kernel, "built");
    case "rootfs:customize":
      return customizeNeeds(image, values, known);
    case "rootfs:pack":
      return isWhole(values) ? wholeNeeds(image, known) : one("rootfs:customize", image, "tree");
    case "rootfs":
      return rootfsNeeds(image, values, known);
    case "vm:run":
    case "vm:check":
      return machineNeeds(values, known);
    case "rootfs:install-kernel":
      return [
        ...(known.family.images.has(String(values["image"]))
          ? one(basisOf(values), String(values["image"]), "tree")
          : []),
        ...(known.family.kernels.has(String(values["kernel"]))
          ? one("kernel:btf", String(values["kernel"]), "kernel")
          : []),
      ];
    default:
      return values["buildMode"] === "native"
        ? nativeNeeds(needing, values as MakeValues, known) // Only tasks of the Makefile have a build mode.
        : containerNeeds(needing, known);
  }
}

/** Root images are made from packages, others from their parent; kernels of the family are built first. */
function customizeNeeds(name: string, values: Needing["values"], { family }: Known): readonly Wanted[] {
  const image = family.images.get(name);
  if (image === undefined || isWhole(values)) return [];
  const base: readonly Wanted[] = image.hasExternalParent
    ? []
    : [
        image.parent === undefined
          ? { task: "rootfs:bootstrap", cell: name, as: "tree" }
          : { task: "rootfs:customize", cell: image.parent, as: "tree" },
      ];
  return [...base, ...kernelsOf(name, { family })];
}

function kernelsOf(name: string, { family }: Pick<Known, "family">): readonly Wanted[] {
  return (family.images.get(name)?.actions ?? []).flatMap((action) => {
    if (action.type !== "install-kernel") return [];
    const kernel = kernelOfDir(action.op.KernelInstallDir);
    return kernel === undefined || !family.kernels.has(kernel)
      ? []
      : [{ task: "kernel:btf", cell: kernel, as: `kernel ${kernel}` }];
  });
}

/** Whether a disk is made in one step, without a tree. */
function isWhole(values: Needing["values"]): boolean {
  return values["rootfsBackend"] !== "mke2fs";
}

/** What a derived image starts from. */
function basisOf(values: Needing["values"]): "rootfs:pack" | "rootfs:customize" {
  return isWhole(values) ? "rootfs:pack" : "rootfs:customize";
}

function wholeNeeds(name: string, known: Known): readonly Wanted[] {
  const image = known.family.images.get(name);
  const hasParent = image?.parent !== undefined && !image.hasExternalParent;
  return [...(hasParent ? [{ task: "rootfs:pack", cell: image.parent, as: "parent" }] : []), ...kernelsOf(name, known)];
}

function rootfsNeeds(name: string, values: Needing["values"], { family }: Known): readonly Wanted[] {
  const ancestors: string[] = [];
  for (let next = family.images.get(name); next !== undefined; next = family.images.get(next.parent ?? ""))
    ancestors.unshift(next.name);
  const more = values["withChildren"] === true ? descendantsOf(family.images, name) : [];
  return [...ancestors, ...more].map((one) => ({ task: "rootfs:pack", cell: one, as: one }));
}

/** An image or a kernel of the family is made first. */
function machineNeeds({ image, kernel, qemuArch }: Needing["values"], { family }: Known): readonly Wanted[] {
  const fix = qemuArch === hostArch() ? {} : { params: { targetArch: qemuArch } };
  const needs: Wanted[] = [];
  if (typeof image === "string" && family.images.has(image))
    needs.push({ task: "rootfs:pack", cell: image, as: "disk", ...fix });
  if (typeof kernel === "string" && family.kernels.has(kernel))
    needs.push({ task: "kernel:build", cell: kernel, as: "kernel", ...fix });
  return needs;
}

/** The graph of the Makefile. */
function containerNeeds({ key, cell }: Needing, { family, options }: Known): readonly Wanted[] {
  const kernel = family.kernels.get(cell["kernel"] ?? "");
  if (key === "root-images") return [{ task: "root-builder", as: "builder" }];
  if (key === "kernel-images")
    return kernel?.source?.kind === "src-rpm" ? [] : [{ task: "kernel-builder", as: "builder" }];
  if (options.flavors?.[key] === undefined || kernel === undefined) return [];
  return [
    { task: "kernel-images", cell: kernel.name, as: "kernel" },
    { task: "root-images", cell: kernel.pkgRepo, as: "root" },
  ];
}

/** The same names, made by the steps of bt. */
function nativeNeeds({ key, cell }: Needing, values: MakeValues, { family }: Known): readonly Wanted[] {
  const arches = values.targetArch;
  // One architecture reaches the steps by itself, as TARGET_ARCH; several are fixed for each.
  const fix = (arch: TargetArch): object => (arches.length > 1 ? { params: { targetArch: arch } } : {});
  const kernel = family.kernels.get(cell["kernel"] ?? "");
  if (key === "kernel-images" && kernel !== undefined)
    return arches.map((arch) => ({ task: "kernel:pack", cell: kernel.name, as: arch, ...fix(arch) }));
  if (key === "root-images") {
    const suite = cell["suite"] === values.pkgRepo ? {} : { pkgRepo: cell["suite"] };
    return arches.flatMap((arch) =>
      [...family.images.values()]
        .filter((image) => image.arches.includes(arch))
        .map((image) => ({
          task: "rootfs:pack",
          cell: image.name,
          as: `${arch} ${image.name}`,
          params: { ...suite, ...(arches.length > 1 ? { targetArch: arch } : {}) },
        })),
    );
  }
  const flavor = family.flavors[key];
  if (flavor === undefined || kernel === undefined) return [];
  const suite = kernel.pkgRepo === values.pkgRepo ? {} : { pkgRepo: kernel.pkgRepo };
  return arches.flatMap((arch) => [
    { task: "kernel:btf", cell: kernel.name, as: `${arch} kernel`, ...fix(arch) },
    {
      task: basisOf(values),
      cell: flavor.base,
      as: `${arch} tree`,
      params: { ...suite, ...(arches.length > 1 ? { targetArch: arch } : {}) },
    },
  ]);
}
