/** What every engine is given, and what it gives back. Types only; does not know any engine. */
import type { Arch, Context } from "../../core/index.ts";
import type { Layout } from "../multiarch-manifest/index.ts";
import type { BaseImage } from "./base.ts";
import type { BuildRequest } from "./embedded.ts";
import type { Emulation, EmulationMode } from "./emulation.ts";
import type { BuildPlan } from "./plan.ts";

/** The part of a task's context that engines work with. */
export type Desk = Pick<Context, "exec" | "log" | "env" | "root" | "signal" | "tempDir" | "defer">;

/** How an engine is used. */
export interface EngineOptions {
  /** Default: auto. */
  readonly emulation?: EmulationMode;
  /** How buildah and podman run commands. Default: BUILDAH_ISOLATION, else chroot, which works inside containers too. */
  readonly isolation?: string;
  /** Folder for the engines' stores and for what a build needs meanwhile. Default: `.bt/images` of the project. */
  readonly storeDir?: string;
  /** Further words for the engine's own build command: `--network=host`. Default: none. */
  readonly extraArgs?: readonly string[];
  /** Path of a registries.conf. Default: the engine's own. */
  readonly registriesConf?: string;
}

/** An image that the build reads, in the layout that the result goes to. */
export interface Base {
  readonly reference: string;
  readonly platform: Arch;
  /** Hexadecimal digits of its config's digest: what engines call it. */
  readonly id: string;
  readonly image: BaseImage;
}

/** A build that an engine can start with. */
export interface PreparedBuild {
  readonly request: BuildRequest;
  readonly plan: BuildPlan;
  readonly bases: readonly Base[];
  /** Files that stand in the Dockerfile itself. Absent: there are none. */
  readonly heredocs?: Base;
  readonly args: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly timestamp: number;
  /** Of this build alone, on the disk of `storeDir`; removed after it. */
  readonly folder: string;
  readonly storeDir: string;
  readonly emulation: Emulation;
}

/** What an engine made: an image in a layout of its own, as the engine wrote it. */
export interface ExportedImage {
  readonly layout: Layout;
  /** Of the manifest. */
  readonly digest: string;
}
