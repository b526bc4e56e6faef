/** What an image task was told to build. Plain data; reads nothing. */
import type { Arch, OptionMarks } from "../../core/index.ts";
import type { EmulationMode } from "./emulation.ts";
import type { EngineName } from "./engine-name.ts";

/** Build arguments by name. */
export type BuildArgs = Readonly<Record<string, string>>;

/** What to build. Paths are relative to the project root. */
export interface ImageOptions<A extends readonly Arch[] = readonly Arch[]> {
  /** Platforms, from `platforms(…)`: one cell each. */
  readonly platforms: A;
  /** What FROM lines of the project's other images call this one: they wait for it and are built on it, whatever a registry has under that name. Default: nothing. */
  readonly name?: string;
  /** Default: `Dockerfile` in the context. */
  readonly dockerfile?: string;
  /** Folder that COPY and ADD read. Default: `.`. */
  readonly context?: string;
  /** Build arguments, the same for all platforms or made for each. Default: none. */
  readonly args?: BuildArgs | ((platform: A[number]) => BuildArgs);
  /** Stage to build. Default: the last one. */
  readonly target?: string;
  /** Time of everything in the image, in seconds since 1970. Default: 0. */
  readonly timestamp?: number;
  /** Who builds, unless `--engine` or a variable says otherwise. Default: the user's settings, then the first that works. */
  readonly engine?: EngineName;
  /** How commands of foreign architectures run. Default: auto. */
  readonly emulation?: EmulationMode;
  readonly description?: string;
}

/** The names of the options. */
export const imageMarks: OptionMarks<ImageOptions> = {
  platforms: "required list",
  name: "optional",
  dockerfile: "optional",
  context: "optional",
  args: "optional",
  target: "optional",
  timestamp: "optional",
  engine: "optional",
  emulation: "optional",
  description: "optional",
};

/** The options of an image with their defaults filled in. */
export interface Recipe extends Required<Pick<ImageOptions, "platforms" | "dockerfile" | "context" | "timestamp">> {
  /** Build arguments by platform. */
  readonly args: Readonly<Record<string, BuildArgs>>;
  readonly name?: string;
  readonly target?: string;
  readonly engine?: EngineName;
  readonly emulation?: EmulationMode;
}

/** Name of the result of a parent in the needs of an image task. */
export function parentName(reference: string, platform: Arch): string {
  return `FROM ${reference} for ${platform}`;
}

/** The options with their defaults. */
export function fillIn<A extends readonly Arch[]>(options: ImageOptions<A>): Recipe {
  const { platforms, context = ".", args = {}, timestamp = 0, target, name, engine, emulation } = options;
  const dockerfile = options.dockerfile ?? (context === "." ? "Dockerfile" : `${context}/Dockerfile`);
  return {
    platforms,
    dockerfile,
    context,
    args: Object.fromEntries(
      platforms.map((platform: A[number]) => [platform, typeof args === "function" ? args(platform) : args]),
    ),
    timestamp,
    ...(target === undefined ? {} : { target }),
    ...(name === undefined ? {} : { name }),
    ...(engine === undefined ? {} : { engine }),
    ...(emulation === undefined ? {} : { emulation }),
  };
}
