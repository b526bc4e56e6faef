/** What a builderfile says about side images. Types, and the names in them; does not know how images are made. */
import type { OptionMarks } from "../../core/index.ts";

/** Architectures as files and variables name them; any tool's spelling is understood. */
export type SideArch = "amd64" | "arm64" | "arm" | "arm/v6" | "arm/v7" | "ppc64le" | "riscv64" | "s390x" | "386";

/** How a cell gets its image, instead of what its files say. */
export type SideMethod =
  | { readonly imageSource: string }
  /** Relative to the component's folder. */
  | { readonly dockerfile: string };

/** What a built or fetched image is asked; the platform always is. */
export type Verify =
  /** The first word of ENTRYPOINT or CMD is a file of the image. */
  | "entrypointExists"
  /** That file, where it is an ELF program, is one for the image's architecture. */
  | "elfMachine"
  /** The image has these labels. */
  | { readonly labels: Readonly<Record<string, string>> }
  /** A sentence about what is wrong; undefined: nothing. */
  | ((image: VerifiedImage) => string | undefined | Promise<string | undefined>);

/** What a rule of the builderfile is shown. */
export interface VerifiedImage {
  readonly component: string;
  /** `arm64`, `arm/v7`. */
  readonly platform: string;
  /** The image's config document. */
  readonly config: { readonly config?: { readonly Labels?: Readonly<Record<string, string>> } };
}

/** What is different for one component. */
export interface SideOverride {
  readonly repo?: string;
  readonly commit?: string;
  readonly method?: { readonly [A in SideArch | "default"]?: SideMethod };
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Default: `["entrypointExists", "elfMachine"]` for images that are built here, none for others. */
  readonly verify?: readonly Verify[];
  /** Architectures whose source image says another one in its config: the right one is written into it. Default: none. */
  readonly rewriteConfig?: readonly SideArch[];
}

/** Where the versions and sources of components come from. */
export type ImageReferences =
  | {
      /** An image with or without its tag, or one for each architecture. Without a tag it gets the release tag. */
      readonly release: string | Readonly<Record<string, string>>;
      /** Program and words before the image. Default: `oc adm release extract`. */
      readonly command?: readonly string[];
    }
  /** A file with the release's references, relative to the project root. */
  | { readonly file: string };

/** What sideImages() is given. Paths are relative to the project root. */
export interface SideImagesOptions {
  /** The folder that holds `components/`. */
  readonly dir: string;
  /** Default: `quay.io/microshift`. */
  readonly destRegistry?: string;
  /** Default: every folder of `components/` with a method file. */
  readonly components?: readonly string[];
  /** Order of the index entries. Default: amd64 arm64 arm ppc64le riscv64. */
  readonly architectures?: readonly SideArch[];
  /** Default: false. */
  readonly push?: boolean;
  /** Cells at the same time: as many as `-j` allows, one, or a number. Default: true. */
  readonly parallel?: boolean | number;
  /**
   * The tag itself; the variable of a Go file that holds it, relative to `dir`; or program and words of a command that prints it,
   * run in the project root. Default: `Base` of `../../../pkg/release/release.go`.
   */
  readonly releaseTag?:
    | string
    | { readonly goFile: string; readonly goVar: string }
    | { readonly cmd: readonly string[] };
  /** Default: `registry.ci.openshift.org/ocp/release`. `false`: there is no release. */
  readonly imageReferences?: ImageReferences | false;
  readonly source?: {
    /** Whose repository and commit win. Default: release. */
    readonly precedence?: "release" | "files";
    /** Default: `.bt/side-images/git`. */
    readonly cacheDir?: string;
    /** Use only what is cached. Default: false. */
    readonly offline?: boolean;
    /** Copy the `src` that a component's folder has, instead of checking one out. Default: false. */
    readonly useLocal?: boolean;
  };
  readonly overrides?: Readonly<Record<string, SideOverride>>;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Parents are built, or taken from the registry by digest. Default: build. */
  readonly parents?: "build" | "registry";
  /** Family of media types of every index. Default: oci. */
  readonly format?: "oci" | "v2s2";
  /** Time of everything that is built, in seconds since 1970. Default: SOURCE_DATE_EPOCH, else 0. */
  readonly timestamp?: number;
  /** How buildah runs commands. Default: BUILDAH_ISOLATION, else chroot. */
  readonly isolation?: "chroot" | "oci" | "rootless";
  /** Folder for the engine's own storage. Default: `.bt/side-images/engine`. */
  readonly graphRoot?: string;
  /** How commands of foreign architectures run. Default: auto. */
  readonly emulation?: "auto" | "host" | "userns" | "none";
  /** Architectures of a source that stand for arm/v7, such as `armhfp`. Default: none. */
  readonly armFallback?: false | readonly string[];
  /** Architectures that an index may miss. Default: none. */
  readonly allowMissing?: readonly SideArch[];
  /** What runs `build_binaries` scripts that ask for `sh`. Default: sh. */
  readonly binariesShell?: "sh" | "bash";
  /** Programs that `build_binaries` needs, such as `riscv64-linux-gnu-gcc`. Default: none. */
  readonly requires?: readonly string[];
  readonly archive?: {
    /** References of further images. Default: none. */
    readonly images?: readonly string[];
    /** Default: none. */
    readonly compress?: "none" | "bz2" | "zst";
  };
  /** Which components become visible together. Default: all. */
  readonly publishGroup?: "all" | "each" | readonly (readonly string[])[];
  /** `false` allows unknown certificates and plain HTTP. Default: loopback hosts may speak plain HTTP. */
  readonly tlsVerify?: boolean;
  /** Path of a registries.conf. Default: the usual places. */
  readonly registriesConf?: string;
  /** Path of the only auth file. Default: the usual places. */
  readonly authFile?: string;
  /** Variables of the environment that look like misspelt ones and are not. Default: none. */
  readonly ignoreEnv?: readonly string[];
}

const overrideMarks: OptionMarks<SideOverride> = {
  repo: "optional",
  commit: "optional",
  method: "optional",
  buildArgs: "optional",
  verify: "optional",
  rewriteConfig: "optional",
};

/** The names of the options. */
export const sideMarks: OptionMarks<SideImagesOptions> = {
  dir: "required string",
  destRegistry: "optional",
  components: "optional",
  architectures: "optional",
  push: "optional",
  parallel: "optional",
  releaseTag: "optional",
  imageReferences: "optional",
  source: {
    mark: "optional",
    inside: { precedence: "optional", cacheDir: "optional", offline: "optional", useLocal: "optional" },
  },
  overrides: { mark: "optional", each: overrideMarks },
  buildArgs: "optional",
  parents: "optional",
  format: "optional",
  timestamp: "optional",
  isolation: "optional",
  graphRoot: "optional",
  emulation: "optional",
  armFallback: "optional",
  allowMissing: "optional",
  binariesShell: "optional",
  requires: "optional",
  archive: { mark: "optional", inside: { images: "optional", compress: "optional" } },
  publishGroup: "optional",
  tlsVerify: "optional",
  registriesConf: "optional",
  authFile: "optional",
  ignoreEnv: "optional",
};
