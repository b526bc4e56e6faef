/** What a user says about a recipe: build host, KIWI's options, where results go. Does not know how anything is built. */
import type { OptionMarks } from "../../core/index.ts";

/** Where KIWI runs. */
export type BuildHost =
  | {
      readonly kind: "local";
      /** `unshare`: in namespaces of its own, whose mounts and processes end with it. Default: `unshare`. */
      readonly isolate?: "unshare" | "none";
    }
  | SshHost
  | ContainerHost
  | {
      readonly kind: "vagrant";
      /** Default: `VAGRANT_DEFAULT_PROVIDER`, else `docker`. */
      readonly provider?: string;
      /** Default: true. */
      readonly sudo?: boolean;
    }
  | BoxHost;

export interface SshHost {
  readonly kind: "ssh";
  readonly host: string;
  /** Default: 22. */
  readonly port?: number;
  readonly user: string;
  /** Private key file; `~` is the home folder. */
  readonly key: string;
  /** File with the host's key. */
  readonly knownHosts: string;
  /** KIWI, rsync and the lock run with `sudo -n`. Default: false. */
  readonly sudo?: boolean;
  /** On the host. Default: `~/.cache/bt-dice`. */
  readonly workdir?: string;
  /** What a KIWI of somebody else on the host means. Default: `busy`. */
  readonly foreignKiwi?: "busy" | "allow";
}

export interface ContainerHost {
  readonly kind: "docker";
  /** Default: `docker`. */
  readonly engine?: "docker" | "podman";
  /** With KIWI in it. */
  readonly image: string;
  /** Default: `missing`. */
  readonly pull?: "never" | "missing" | "always";
  /** Default: the engine's own. */
  readonly network?: string;
  /** Also gives the container /dev; needed for images with partitions or loop devices. Default: false. */
  readonly privileged?: boolean;
  /** Further words for `run`. */
  readonly args?: readonly string[];
}

export interface BoxHost {
  readonly kind: "box";
  /** As `kiwi-ng system boxbuild --list-boxes` calls it. */
  readonly box: string;
  readonly container?: boolean;
  /** As qemu takes it: `8G`. */
  readonly memory?: string;
  readonly cpus?: number;
}

/** A package repository, besides those of the description. */
export interface Repo {
  /** Address; user and password in it reach no command line. */
  readonly source: string;
  /** `apt-deb`, `rpm-md`, … */
  readonly type?: string;
  readonly alias?: string;
  readonly priority?: number;
  readonly imageinclude?: boolean;
  readonly gpgcheck?: boolean;
  readonly keys?: readonly string[];
  readonly components?: string;
  readonly distribution?: string;
  readonly repoGpgcheck?: boolean;
}

/** KIWI's own configuration, as its YAML file has it: sections, each a list of records. */
export type KiwiYml = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

export interface KiwiOptions {
  /** Program. Default: `kiwi-ng`. */
  readonly bin?: string;
  /** Default: the description's primary type. */
  readonly type?: string;
  readonly profiles?: readonly string[];
  /** Relative to the recipe. Default: `config.xml`, `image/config.xml`, the first `*.kiwi`. */
  readonly kiwiFile?: string;
  /** As `uname -m` says it. Default: the build host's. */
  readonly targetArch?: string;
  readonly config?: KiwiYml;
  /** Replaces the first repository of the description. */
  readonly setRepo?: Repo;
  readonly addRepos?: readonly Repo[];
  /** Files relative to the project root. */
  readonly signingKeys?: readonly string[];
  /** Folder on this machine for packages that all builds share, relative to the project root. Default: none. */
  readonly sharedCache?: string;
}

/** One recipe. */
export interface DiceOptions {
  /** Folder with the description, relative to the project root. */
  readonly recipe: string;
  /** Default: what Dicefile or Vagrantfile say, else `local`. */
  readonly buildhost?: BuildHost;
  readonly kiwi?: KiwiOptions;
  /** `false` keeps KIWI's own names. Default id: `DiceBuild`. */
  readonly bundle?: { readonly id?: string; readonly compress?: boolean } | false;
  /** Gets the files too; relative to the project root. */
  readonly resultDir?: string;
  /** The unpacked image, after the build. Default: `never`. */
  readonly keepRoot?: "never" | "on-failure" | "always";
  readonly force?: boolean;
  /** Repositories are not asked. */
  readonly offline?: boolean;
  /** Seconds to wait for a recipe or a host that somebody else uses. Default: 0. */
  readonly lockTimeout?: number;
  /** Seconds for KIWI. Default: none. */
  readonly timeout?: number;
}

/** All recipes of a project. */
export interface KiwiDiceOptions<N extends string = string> {
  readonly recipes: Readonly<Record<N, DiceOptions>>;
  /** Counts where neither the recipe nor its Dicefile says anything. */
  readonly defaults?: Partial<DiceOptions>;
}

const kiwiMarks: OptionMarks<KiwiOptions> = {
  bin: "optional",
  type: "optional",
  profiles: "optional",
  kiwiFile: "optional",
  targetArch: "optional",
  config: "optional",
  setRepo: "optional",
  addRepos: "optional",
  signingKeys: "optional",
  sharedCache: "optional",
};
const defaultMarks: OptionMarks<Partial<DiceOptions>> = {
  recipe: "optional",
  buildhost: "optional",
  kiwi: { mark: "optional", inside: kiwiMarks },
  bundle: "optional",
  resultDir: "optional",
  keepRoot: "optional",
  force: "optional",
  offline: "optional",
  lockTimeout: "optional",
  timeout: "optional",
};
const recipeMarks: OptionMarks<DiceOptions> = { ...defaultMarks, recipe: "required string" };

/** The names of the options. */
export const kiwiDiceMarks: OptionMarks<KiwiDiceOptions> = {
  recipes: { mark: "required record", each: recipeMarks },
  defaults: { mark: "optional", inside: defaultMarks },
};

/** One file of a result. */
export interface ResultFile {
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What a build leaves, as later tasks get it. */
export interface DiceResult {
  /** Folder, relative to the project root. */
  readonly recipe: string;
  /** Of the image: `oci`, `iso`, … */
  readonly type: string;
  /** As `uname -m` says it. */
  readonly arch: string;
  readonly kiwiVersion: string;
  /** What the archive holds; sorted by name. */
  readonly files: readonly ResultFile[];
  /** The archive, relative to the project root. */
  readonly bundle: string;
  /** For type `oci`: folder with the image as an OCI layout, relative to the project root. */
  readonly layout?: string;
}

/** Dice's own words, and one for what cannot be told. */
export type BuildState = "BuildRequired" | "BuildRunning" | "BuildSystemLocked" | "UpToDate" | "Unknown";

/** What `dice-status` returns. */
export interface DiceStatus {
  readonly state: BuildState;
  readonly reasons: readonly string[];
  readonly lastBuild?: {
    /** ISO 8601. */
    readonly time: string;
    /** Seconds. */
    readonly duration: number;
    readonly host: string;
    readonly kiwi: string;
  };
  readonly result?: { readonly file: string; readonly sha256: string; readonly files: readonly ResultFile[] };
}
