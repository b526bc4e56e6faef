/** The variables of image families: declared once, with their meaning. Does not know who reads them from where. */
import { param, type Context, type Param } from "../../../core/index.ts";
import { findTool, type Tool } from "./commands.ts";
import { engineUnknown } from "./errors.ts";
import type { Family } from "./options.ts";

/** Params that all tasks with an engine have. */
export interface EngineParams {
  readonly hub: Param<string>;
  readonly containerCli: Param<string>;
  readonly buildImage: Param<string>;
  readonly registryAuthFile: Param<string | undefined>;
  readonly buildahIsolation: Param<string | undefined>;
  readonly [name: string]: Param;
}

/** Values of any of the tasks' params; those of other tasks are absent. */
export interface Values {
  readonly hub: string;
  readonly containerCli: string;
  readonly buildImage: string;
  readonly registryAuthFile?: string;
  readonly platforms?: readonly string[];
  readonly targetOs?: string;
  readonly buildxOutput?: string;
  readonly buildxBuildArgs?: string;
  readonly emulation?: "auto" | "none" | "host" | "userns";
  readonly registryInsecure?: "0" | "1";
  readonly versions?: readonly string[];
  readonly buildImageVersions?: readonly string[];
  readonly arch?: string;
  readonly image?: string;
  readonly cmd?: string;
}

/** The context of a task whose params are some of these. */
export type FamilyContext = Omit<Context, "params"> & { readonly params: Values };

export function engineParams(name: string, options: { readonly hub: string; readonly engine?: string }): EngineParams {
  return {
    hub: param.string({ default: options.hub, description: "Registry and organisation" }),
    containerCli: param.string({
      default: options.engine ?? "docker",
      description: "Container engine: docker, podman or buildah, or a path to one",
    }),
    buildImage: param.string({ default: name, description: "Name of the image" }),
    registryAuthFile: param.path({ description: "Auth file with the registry's login" }),
    buildahIsolation: param.string({ description: "How buildah isolates RUN; chroot needs no runtime" }),
  };
}

export function multiParams(): Readonly<Record<string, Param>> {
  return {
    platforms: param.list({ description: "Platforms, instead of those of the version" }),
    emulation: param.enum(["auto", "none", "host", "userns"], {
      default: "auto",
      description: "How commands of other architectures run",
    }),
    targetOs: param.string({ default: "linux", description: "Build argument TARGETOS of docker builds" }),
    buildxOutput: param.string({ description: "What docker does with the result. Default: an OCI archive" }),
    buildxBuildArgs: param.string({
      description: "Further words for docker's builds. Default: TARGETOS, one step at a time, plain progress",
    }),
  };
}

export function pushParams(): Readonly<Record<string, Param>> {
  return {
    registryInsecure: param.enum(["0", "1"], { description: "1: no TLS. Default: 1 for a hub on this machine" }),
  };
}

export function versionsParams(name: string): Readonly<Record<string, Param>> {
  return {
    versions: param.list({ description: "Only these versions" }),
    buildImageVersions: param.list({ description: `The same in the form ${name}_VERSION` }),
  };
}

export function shellParams(): Readonly<Record<string, Param>> {
  return {
    arch: param.arch({ description: "Architecture, in any tool's spelling. Default: this machine's" }),
    image: param.string({
      description: "built, base or a reference. Default: the version's own image, else the base of its Dockerfile",
    }),
    emulation: param.enum(["auto", "none", "host", "userns"], {
      default: "auto",
      description: "How programs of other architectures run",
    }),
    cmd: param.string({ description: "Command, instead of a shell" }),
  };
}

/** @throws BtError IMAGES_FAMILY_ENGINE */
export function toolOf({ containerCli }: Values): Tool {
  const tool = findTool(containerCli);
  if (tool === undefined) throw engineUnknown(containerCli);
  return tool;
}

/** `quay.io/maistra-dev/maistra-builder` */
export function repositoryOf({ hub, buildImage }: Values): string {
  return `${hub.replace(/\/+$/, "")}/${buildImage}`;
}

/** The name under which an engine keeps a version. */
export function refOf(values: Values, version: string): string {
  return `${repositoryOf(values)}:${version}`;
}

/** Whether the registry is spoken to without TLS. */
export function isInsecure({ registryInsecure, hub }: Values): boolean {
  if (registryInsecure !== undefined) return registryInsecure === "1";
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(\/|$)/.test(hub);
}

/** Names and globs of variables, as the tasks of a family take them. */
export function narrowedVersions(family: Family, values: Values): readonly string[] | undefined {
  const original = (values.buildImageVersions ?? []).map((name) =>
    name.startsWith(`${family.name}_`) ? name.slice(family.name.length + 1) : name,
  );
  const names = [...(values.versions ?? []), ...original];
  return names.length === 0 ? undefined : [...new Set(names)];
}
