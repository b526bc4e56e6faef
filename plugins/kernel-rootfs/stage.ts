/** The images of the family by key of the version table: their names, tags, what they are made of. Pure. */
import type { Family, Kernel } from "./family.ts";
import type { TargetArch } from "./options.ts";
import { targetArches } from "./params.ts";
import { rhelArguments } from "./engine-build.ts";
import { releaseTagMalformed } from "./errors.ts";

/** What a key of the version table says. */
export type Stage =
  | { readonly kind: "kernel-builder" }
  | { readonly kind: "root-builder"; readonly arch: TargetArch }
  | { readonly kind: "kernel-images"; readonly kernel: Kernel }
  | { readonly kind: "root-images"; readonly suite: string; readonly arch: TargetArch }
  | {
      readonly kind: "flavor";
      readonly flavor: string;
      readonly kernel: Kernel;
      readonly arch: TargetArch;
      /** The architecture is part of key and tag. */
      readonly isTagged: boolean;
    };

/** What a key means; names are compared whole. Undefined: it is none of the family's. */
export function findStage(key: string, { kernels, flavors }: Family): Stage | undefined {
  const [kind = "", ...rest] = key.split("/");
  const arch = targetArches.find((one) => rest.includes(one));
  if (key === "kernel-builder") return { kind: "kernel-builder" };
  if (kind === "root-builder") return arch === undefined || rest.length !== 1 ? undefined : { kind, arch };
  if (kind === "root-images") {
    const [suite] = rest;
    return suite === undefined || arch === undefined || rest.length !== 2 ? undefined : { kind, suite, arch };
  }
  const kernel = kernels.get(rest.at(-1) ?? "");
  if (kernel === undefined) return undefined;
  if (kind === "kernel-images") return rest.length === 1 ? { kind, kernel } : undefined;
  const flavor = flavors[kind];
  if (flavor === undefined) return undefined;
  const isTagged = flavor.arches.length > 1;
  const own = isTagged ? (rest.length === 2 ? arch : undefined) : rest.length === 1 ? flavor.arches[0] : undefined;
  return own === undefined ? undefined : { kind: "flavor", flavor: kind, kernel, arch: own, isTagged };
}

/** What ends the tag of a stage after the time: `-sid-amd64`. */
export function tagSuffix(stage: Stage): string {
  switch (stage.kind) {
    case "kernel-builder":
    case "kernel-images":
      return "";
    case "root-builder":
      return `-${stage.arch}`;
    case "root-images":
      return `-${stage.suite}-${stage.arch}`;
    case "flavor":
      return stage.isTagged ? `-${stage.arch}` : "";
  }
}

/** Name without registry and suffix, and what stands before the value of the table in its tag. */
export function nameOf(stage: Stage): { readonly name: string; readonly prefix: string } {
  switch (stage.kind) {
    case "kernel-builder":
    case "root-builder":
    case "root-images":
      return { name: stage.kind, prefix: "" };
    case "kernel-images":
      return { name: stage.kind, prefix: `${stage.kernel.name}-` };
    case "flavor":
      return { name: stage.flavor, prefix: `${stage.kernel.name}-` };
  }
}

/** T of a value of the table. @throws BtError KERNEL_ROOTFS_TAG_MALFORMED */
export function timeOf(key: string, value: string, stage: Stage): string {
  const suffix = tagSuffix(stage);
  const time = value.endsWith(suffix) ? value.slice(0, value.length - suffix.length) : "";
  if (time === "" || !/^[\w][\w.]*$/.test(time))
    throw releaseTagMalformed(key, value, `a tag that ends in "${suffix}"`);
  return time;
}

/** Keys whose images a stage is built from. */
export function usesOf(stage: Stage): readonly string[] {
  switch (stage.kind) {
    case "kernel-builder":
    case "root-builder":
      return [];
    case "kernel-images":
      return stage.kernel.source?.kind === "src-rpm" ? [] : ["kernel-builder"];
    case "root-images":
      return [`root-builder/${stage.arch}`];
    case "flavor":
      return [`kernel-images/${stage.kernel.name}`, `root-images/${stage.kernel.pkgRepo}/${stage.arch}`];
  }
}

export function dockerfileOf(stage: Stage): string {
  switch (stage.kind) {
    case "kernel-builder":
    case "root-builder":
    case "root-images":
      return `dockerfiles/${stage.kind}`;
    case "kernel-images":
      return stage.kernel.dockerfile;
    case "flavor":
      return `dockerfiles/${stage.flavor}-images`;
  }
}

/** Build arguments; `value` gives the tag that a key will have. */
export function argumentsOf(stage: Stage, value: (key: string) => string): Readonly<Record<string, string>> {
  switch (stage.kind) {
    case "kernel-builder":
    case "root-builder":
      return {};
    case "kernel-images": {
      const { kernel } = stage;
      const rhel = Object.fromEntries(rhelArguments(kernel));
      const builder = usesOf(stage).length === 0 ? {} : { KERNEL_BUILDER_TAG: value("kernel-builder") };
      return { KERNEL_VER: kernel.name, ...builder, ...rhel };
    }
    case "root-images":
      return { ROOT_BUILDER_TAG: value(`root-builder/${stage.arch}`), PKG_REPO: stage.suite };
    case "flavor": {
      const { kernel, arch } = stage;
      return {
        KERNEL_VER: kernel.name,
        KERNEL_IMAGE_TAG: `${kernel.name}-${value(`kernel-images/${kernel.name}`)}`,
        ROOT_IMAGES_TAG: value(`root-images/${kernel.pkgRepo}/${arch}`),
        PKG_REPO: kernel.pkgRepo,
      };
    }
  }
}

/** Platforms of the image. */
export function platformsOf(stage: Stage): readonly string[] {
  switch (stage.kind) {
    case "kernel-builder":
      return ["linux/amd64"]; // It compiles for others.
    case "kernel-images":
      return stage.kernel.platforms.map((arch) => `linux/${arch}`);
    case "root-builder":
    case "root-images":
    case "flavor":
      return [`linux/${stage.arch}`];
  }
}
