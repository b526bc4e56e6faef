/** What buildah and podman are told, word for word. Pure; starts nothing, does not know where stores are. */
import { ociPlatform, type Arch } from "../../core/index.ts";
import { needsDockerFormat, pairFlags } from "./generate.ts";
import type { BuildPlan } from "./plan.ts";

/** Which program, and as what it behaves. */
export interface StorageProgram {
  readonly name: "buildah" | "podman";
  /** Name or path. */
  readonly program: string;
}

/** Where an engine keeps things. Paths. */
export interface Store {
  readonly root: string;
  /** For what must not outlive a restart. */
  readonly runRoot: string;
  /** Root of another store, whose images can be read too. */
  readonly images?: string | undefined;
}

/** Before the word for what is to be done. */
export function storeWords({ root, runRoot, images }: Store): readonly string[] {
  // The driver's name is left out: whichever it is takes the option.
  const sharing = images === undefined ? [] : ["--storage-opt", `.imagestore=${images}`];
  return ["--root", root, "--runroot", runRoot, ...sharing];
}

/** Takes an image into the store, from a layout in which it is called `image`. */
export function importWords(platform: Arch, layout: string): readonly string[] {
  return ["pull", "--quiet", "--platform", ociPlatform(platform), `oci:${layout}:image`];
}

/** What `buildah bud` is told. */
export interface BuildFacts {
  readonly engine: Pick<StorageProgram, "name">;
  readonly isolation: string;
  readonly platform: Arch;
  readonly plan: BuildPlan;
  readonly args: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly timestamp: number;
  readonly extraArgs?: readonly string[];
  /** Paths. */
  readonly files: {
    readonly id: string;
    readonly ignore: string;
    readonly dockerfile: string;
    readonly context: string;
  };
}

/** The build itself. */
export function buildWords(facts: BuildFacts): readonly string[] {
  const { engine, isolation, platform, plan, args, labels = {}, timestamp, extraArgs = [], files } = facts;
  return [
    // Older releases of buildah know only this name.
    engine.name === "buildah" ? "bud" : "build",
    ...["--isolation", isolation],
    ...["--platform", ociPlatform(platform)],
    ...["--pull=never", "--layers=false", "--format", needsDockerFormat(plan) ? "docker" : "oci"],
    ...["--iidfile", files.id, "--timestamp", String(timestamp), "--ignorefile", files.ignore],
    ...pairFlags("--build-arg", args),
    ...pairFlags("--label", labels),
    ...extraArgs,
    ...["--file", files.dockerfile, files.context],
  ];
}

/** Writes an image of the store into the layout `built`. */
export function exportWords(plan: BuildPlan, id: string): readonly string[] {
  return ["push", "--quiet", "--format", needsDockerFormat(plan) ? "v2s2" : "oci", id, "oci:built:image"];
}
