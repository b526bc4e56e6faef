/** What an image family is told, and what it is once its defaults are filled in. Types only; does not know tasks. */
import type { BtError, OptionMarks } from "../../../core/index.ts";
import type { Version, VersionTable } from "./table.ts";

/** What a function of the builderfile is told besides the version. */
export interface TagFacts {
  /** Hex SHA-256 of everything the image is made of. */
  readonly inputsHash: string;
}

/** Jobs that `family:ci` writes. */
export interface CiOptions {
  /** File that `family:check` compares, relative to the project. Default: none. */
  readonly file?: string;
  /** First part of the jobs' names. Default: `test-infra`. */
  readonly prefix?: string;
  /** Default: `ossm-aws`. */
  readonly clusterProfile?: string;
  /** Default: `servicemesh-istio-e2e-profile`. */
  readonly workflow?: string;
  /** Variable with the image that a job runs in. Default: the family's name in upper case and `_IMAGE`. */
  readonly imageVariable?: string;
}

/** What a plugin or a project may change; each gets a value and returns the one to use. */
export interface FamilyHooks {
  /** The table before it is checked. */
  readonly versions?: (table: VersionTable) => VersionTable;
  /** Build arguments of a version. */
  readonly buildArgs?: (args: Readonly<Record<string, string>>, version: Version) => Readonly<Record<string, string>>;
  /** Moving tags of a version. */
  readonly tags?: (tags: readonly string[], version: Version) => readonly string[];
  /** The rows of `family:plan`. */
  readonly plan?: (rows: readonly PlanRow[]) => readonly PlanRow[];
}

/** A version that is to be built, and why. */
export interface PlanRow {
  readonly version: string;
  readonly action: "build" | "removed";
  readonly reasons: readonly string[];
}

/** What `imageFamily()` takes. Paths are relative to the project root. */
export interface FamilyOptions {
  /** Registry and organisation; `HUB` changes it. */
  readonly hub: string;
  /** Container engine; `CONTAINER_CLI` changes it. Default: `docker`. */
  readonly engine?: "docker" | "podman" | "buildah";
  /** Folder that COPY and ADD read. Default: `.`. */
  readonly context?: string;
  /** Path of a version's Dockerfile. Default: `CONTEXT/FAMILY_VERSION.Dockerfile`. */
  readonly dockerfile?: (version: Version) => string;
  /** Text of a version's Dockerfile, instead of a file. */
  readonly template?: (version: Version) => string;
  /** Globs of files that go into every image. Only files that git tracks count, where there is git. Default: none. */
  readonly sharedInputs?: readonly string[];
  /** The table; or `versionsFile`. */
  readonly versions?: VersionTable;
  /** JSON file with the table. */
  readonly versionsFile?: string;
  /** Versions at the end of their life: their tasks stay, the aggregates and CI leave them out. Default: none. */
  readonly eol?: readonly string[];
  /** Moving tags, the only ones that are pushed besides `immutableTag`. Default: the version. */
  readonly tags?: (version: Version) => readonly string[];
  /** A tag for this content, or none. Default: the version and twelve digits of the hash. */
  readonly immutableTag?: ((version: Version, facts: TagFacts) => string) | false;
  readonly selfTest?: {
    /** Default: true. */
    readonly privileged?: boolean;
    /** Run inside the image. Default: the command that builds the image. */
    readonly cmd?: readonly string[];
  };
  /** `changed`: nothing is pushed when the registry has `immutableTag`. Default: `changed`. */
  readonly pushWhen?: "changed" | "always";
  readonly ci?: CiOptions;
  readonly hooks?: FamilyHooks;
}

/** A family with its table read and checked. */
export interface Family {
  readonly name: string;
  readonly options: FamilyOptions;
  readonly context: string;
  readonly table: VersionTable;
  /** In declared order. */
  readonly versions: ReadonlyMap<string, Version>;
  /** What is wrong with the names in the table: `family:check` lists it, every other task refuses. */
  readonly mistakes: readonly BtError[];
  /** Dockerfile text of versions with a template. */
  readonly rendered: ReadonlyMap<string, string>;
}

/** The names of the options. */
export const familyMarks: OptionMarks<FamilyOptions> = {
  hub: "required string",
  engine: "optional",
  context: "optional",
  dockerfile: "optional",
  template: "optional",
  sharedInputs: "optional",
  versions: "optional",
  versionsFile: "optional",
  eol: "optional",
  tags: "optional",
  immutableTag: "optional",
  selfTest: "optional",
  pushWhen: "optional",
  ci: "optional",
  hooks: "optional",
};

/** Path of a version's Dockerfile, relative to the root. */
export function dockerfileOf({ name, context, options }: Family, version: Version): string {
  const folder = context === "." ? "" : `${context}/`;
  return options.dockerfile?.(version) ?? `${folder}${name}_${version.version}.Dockerfile`;
}

/** Build arguments of a version, after the family's hook. */
export function argsOf({ options }: Family, version: Version): Readonly<Record<string, string>> {
  return options.hooks?.buildArgs?.(version.args, version) ?? version.args;
}

/** Moving tags of a version, after the family's hook. */
export function tagsOf({ options }: Family, version: Version): readonly string[] {
  const tags = options.tags?.(version) ?? [version.version];
  return options.hooks?.tags?.(tags, version) ?? tags;
}

/** Versions that the aggregates build. */
export function supportedVersions({ versions }: Family): readonly Version[] {
  return [...versions.values()].filter(({ isEol }) => !isEol);
}
