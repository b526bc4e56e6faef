/** What a builderfile says about rpms. Types, and the names in them. */
import type { OptionMarks } from "../../core/index.ts";

/** A package: `tar`, or `qemu-img-{QEMU}` with the version that the pins file gives to QEMU. */
export type Spec = string;

/** One repository list with a name suffix: a distribution's major version. */
export interface StreamOptions {
  /** Lists of repositories, relative to the project root, in the order in which the backend gets them. */
  readonly repofiles: readonly string[];
  /** Ends the names of its trees: `_cs9`. */
  readonly suffix: string;
}

/** What one stream has otherwise. */
export interface StreamChange {
  readonly add?: readonly Spec[];
  readonly drop?: readonly Spec[];
  /** In the same place of the list. */
  readonly replace?: Readonly<Record<Spec, Spec>>;
  /** Only on these architectures. */
  readonly arch?: Readonly<Record<string, { readonly add?: readonly Spec[]; readonly drop?: readonly Spec[] }>>;
}

/** Packages that stand in every tree. */
export interface BaseOptions {
  readonly main: readonly Spec[];
  /** Indirect dependencies that several packages could satisfy: listed, so that the result is always the same. */
  readonly extra?: readonly Spec[];
  /** Stream to what it has otherwise. */
  readonly streams?: Readonly<Record<string, StreamChange>>;
}

/** Attributes of the `rpmtree` rule. */
export interface TreeAttributes {
  readonly symlinks?: Readonly<Record<string, string>>;
  readonly capabilities?: Readonly<Record<string, readonly string[]>>;
  readonly selinux_labels?: Readonly<Record<string, string>>;
}

/** Libraries for which a `tar2files` rule is made. */
export interface LddOptions {
  /** Name of the rule; `{arch}` and `{stream}` are filled in. */
  readonly rule: string;
  /** Target that `bazel run` runs; default: `//rpm:ldd_{arch}_{stream}`. Only for the launcher `bazel`. */
  readonly target?: string;
  /** Paths of libraries in the tree. */
  readonly libs: readonly string[];
  /** Default: all. */
  readonly streams?: readonly string[];
}

/** One container image: the packages it wants on every architecture and stream. */
export interface GroupOptions extends BaseOptions {
  /** Architecture to packages that only it has; any spelling. */
  readonly arch?: Readonly<Record<string, readonly Spec[]>>;
  /** Architectures that have the tree. Default: all. */
  readonly only?: readonly string[];
  /** Without the base packages. */
  readonly noBase?: boolean;
  /** Go regular expressions: packages left out together with what only they need. */
  readonly forceIgnore?: readonly string[];
  readonly attrs?: TreeAttributes;
  readonly ldd?: readonly LddOptions[];
}

/** How the solver is started. */
export interface BackendOptions {
  /** `direct`: the program. `bazel`: `bazel run`, in place and one after the other, as the original does. Default: direct. */
  readonly launcher?: "direct" | "bazel";
  /** The program. Default: `bazeldnf` (or `bazel`) in PATH; `BAZELDNF` changes it. */
  readonly bin?: string;
  /** Default: `//:bazeldnf`. */
  readonly target?: string;
  /** Values of `--config` for `bazel run`. Default: the architecture of this machine as Bazel calls it. */
  readonly configs?: readonly string[];
}

/** Which rpms which image has, and where that is written. Paths are relative to the project root. */
export interface RpmDepsOptions {
  readonly backend?: BackendOptions;
  /** Key in the pins file, such as `cs9`, to the stream; the first one is the default. */
  readonly streams: Readonly<Record<string, StreamOptions>>;
  /** JSON file with the versions, such as `rpm/pins.json`. */
  readonly pinsFile: string;
  /** Any spelling. */
  readonly arches: readonly string[];
  /** Package that gives the distribution its identity. Default: `centos-stream-release`. */
  readonly basesystem?: string;
  /** Lets the solver take older packages. Default: true. */
  readonly nobest?: boolean;
  readonly base?: BaseOptions;
  readonly groups: Readonly<Record<string, GroupOptions>>;
  readonly outputs?: {
    /** Default: `WORKSPACE`. */
    readonly workspace?: string;
    /** Default: `rpm/BUILD.bazel`. */
    readonly buildfile?: string;
  };
  /** Solvers at the same time. Default: the number of processors. */
  readonly jobs?: number;
  /** Tries after the first, of a download. Default: 2. */
  readonly retries?: number;
  /** Uses only what was downloaded before. Default: false. */
  readonly offline?: boolean;
  /** Default: `.bt/rpm-deps`. */
  readonly cacheDir?: string;
}

const changeMarks: OptionMarks<StreamChange> = {
  add: "optional",
  drop: "optional",
  replace: "optional",
  arch: "optional",
};
const baseMarks: OptionMarks<BaseOptions> = {
  main: "required list",
  extra: "optional",
  streams: { mark: "optional", each: changeMarks },
};
const lddMarks: OptionMarks<LddOptions> = {
  rule: "required string",
  target: "optional",
  libs: "required list",
  streams: "optional",
};
const groupMarks: OptionMarks<GroupOptions> = {
  main: "required list",
  extra: "optional",
  streams: { mark: "optional", each: changeMarks },
  arch: "optional",
  only: "optional",
  noBase: "optional",
  forceIgnore: "optional",
  attrs: "optional",
  ldd: { mark: "optional", each: lddMarks },
};
const streamMarks: OptionMarks<StreamOptions> = {
  repofiles: "required list",
  suffix: "required string",
};
const backendMarks: OptionMarks<BackendOptions> = {
  launcher: "optional",
  bin: "optional",
  target: "optional",
  configs: "optional",
};

/** The names of the options. */
export const rpmMarks: OptionMarks<RpmDepsOptions> = {
  backend: { mark: "optional", inside: backendMarks },
  streams: { mark: "required record", each: streamMarks },
  pinsFile: "required string",
  arches: "required list",
  basesystem: "optional",
  nobest: "optional",
  base: { mark: "optional", inside: baseMarks },
  groups: { mark: "required record", each: groupMarks },
  outputs: { mark: "optional", inside: { workspace: "optional", buildfile: "optional" } },
  jobs: "optional",
  retries: "optional",
  offline: "optional",
  cacheDir: "optional",
};

/** Streams that a task works on when none is named. */
export type Scope = "first" | "all" | { readonly stream: string };
