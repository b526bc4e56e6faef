/** What a builderfile says about kernels, images and where they go: types and the small makers of sources. Reads nothing. */
import type { Arch, OptionMarks } from "../../core/index.ts";
import type { Plan } from "./plan.ts";

/** One call of the kernel's `scripts/config`. */
export type ConfigOption = readonly [action: "--enable" | "--disable" | "--module", symbol: string];

/** An option that only some versions take; both ends count. */
export interface RangedOption {
  readonly option: ConfigOption;
  /** First kernel version it is applied to: `5.15`. */
  readonly since?: string;
  /** Last kernel version it is applied to. */
  readonly until?: string;
}

/** Where the source of a kernel comes from. */
export type KernelSource =
  | { readonly kind: "git"; readonly url: string; readonly branch: string; readonly depth?: number }
  | { readonly kind: "tarball"; readonly from: string; readonly sha256: string }
  | { readonly kind: "local-dir"; readonly path: string }
  | { readonly kind: "debian-source"; readonly package: string }
  | { readonly kind: "own"; readonly type: string; readonly op: Readonly<Record<string, string>> }
  | { readonly kind: "src-rpm"; readonly repo: string; readonly ver: string; readonly kver: string };

/** An entry of kernels.json. */
export interface KernelConf {
  readonly name: string;
  /** `(git|https|file)://HOST/PATH[?depth=N][#BRANCH]`. Absent: nothing can be fetched. */
  readonly url?: string;
  readonly opts?: readonly ConfigOption[];
  readonly extra_make_args?: readonly string[];
}

/** What kernels.json does not say about a kernel. */
export interface KernelFacts {
  /** Default: amd64 and arm64. `linux/` before a name is understood. */
  readonly platforms?: readonly string[];
  /** Debian suite of the packages around it. Default: `sid`. */
  readonly pkgRepo?: string;
  /** Default: `dockerfiles/kernel-images`. */
  readonly dockerfile?: string;
  /** Entry of kernels.json whose options it takes. Default: the one of its own name. */
  readonly config?: string;
  /** Instead of the url of its entry. */
  readonly source?: KernelSource;
  /** Glob of patches, in the order of their names. */
  readonly patches?: string;
  /** What its options are applied to: a target of the kernel's make. Default: `defconfig`. */
  readonly baseConfig?: "defconfig" | "tinyconfig" | "allnoconfig" | (string & {});
  /** Added after the options of its entry. */
  readonly opts?: readonly (ConfigOption | RangedOption)[];
  /** Left out of KERNEL_VERSIONS unless it is named; part of `ci:plan`. */
  readonly optIn?: boolean;
  /** Its failure is told and fails nothing else. */
  readonly quarantine?: boolean;
  /** Days after which it counts as stale. Default: never. */
  readonly maxAge?: number;
}

/** A kernel written directly in the builderfile. */
export type KernelSpec = KernelConf & Omit<KernelFacts, "config" | "opts">;

/** What an action may be; each `type` has the `op` of little-vm-helper. */
export type Action = { readonly comment?: string } & (
  | { readonly type: "run-command"; readonly op: { readonly Cmd: string } }
  | { readonly type: "copy-in"; readonly op: { readonly LocalPath: string; readonly RemoteDir: string } }
  | { readonly type: "set-hostname"; readonly op: { readonly Hostname: string } }
  | { readonly type: "mkdir"; readonly op: { readonly Dir: string } }
  | { readonly type: "upload"; readonly op: { readonly File: string; readonly Dest: string } }
  | { readonly type: "chmod"; readonly op: { readonly Permissions: string; readonly File: string } }
  | { readonly type: "append-line"; readonly op: { readonly File: string; readonly Line: string } }
  | { readonly type: "link"; readonly op: { readonly Target: string; readonly Link: string } }
  | { readonly type: "install-kernel"; readonly op: { readonly KernelInstallDir: string } }
  | { readonly type: "tar-in"; readonly op: { readonly TarFile: string; readonly RemoteDir: string } }
);

/** An entry of images.json. */
export interface ImgConf {
  /** File name; `*.qcow2` is qcow2, anything else raw. */
  readonly name: string;
  /** Absent or empty: a root image. */
  readonly parent?: string;
  /** qemu-img size. Default of a root image: `8G`. */
  readonly image_size?: string;
  readonly bootable?: boolean;
  readonly packages?: readonly string[];
  readonly actions?: readonly Action[];
}

/** What images.json does not say about an image. */
export interface ImageFacts {
  /** Default: all. */
  readonly arches?: readonly string[];
}

/** A file of little-vm-helper, with what it does not say. */
export interface LvhFile<Facts> {
  readonly kind: "lvh-json";
  /** Relative to the project root. */
  readonly file: string;
  readonly defaults: Facts;
  /** A key is one name, or several joined by `|`. */
  readonly overrides: Readonly<Record<string, Facts>>;
}

/** A kind of image that has a kernel installed: one for each kernel. */
export interface Flavor {
  /** Image of images.json it is made from. */
  readonly base: string;
  readonly arches: readonly string[];
}

/** Who makes images: bt from a folder, the programs of libguestfs, or little-vm-helper itself. */
export type RootfsBackend = "mke2fs" | "libguestfs" | "lvh";

/** Everything `kernelRootfs()` takes. */
export interface KernelRootfsOptions {
  /** Variable `OCIORG`. Default: `quay.io/lvh-images`. */
  readonly registry?: string;
  /** Ends the names of images that are not released. Default: `-ci`. */
  readonly ciSuffix?: string;
  /** Variable `DOCKER`. Default: `docker`. */
  readonly engine?: "docker" | "podman" | "buildah";
  /** Variable `BUILD_MODE`. Default: `container`. */
  readonly mode?: "container" | "native";
  /** Variable-free; relative to the project root. Default: `_data`. */
  readonly dataDir?: string;
  /** `versions/`, a folder of files, or a file that ends in `.json`. Default: `versions/`. */
  readonly lock?: string;
  /** Tag of a run. Default: UTC, `YYYYMMDD.HHMMSS`. */
  readonly tag?: (run: { readonly now: Date }) => string;
  readonly kernels: LvhFile<KernelFacts> | readonly KernelSpec[];
  readonly images: LvhFile<ImageFacts> | readonly (ImgConf & ImageFacts)[];
  /** Default: none. */
  readonly flavors?: Readonly<Record<string, Flavor>>;
  /** Variable `PKG_REPO`, and the suite of kernels that name none. Default: `sid`. */
  readonly pkgRepo?: string;
  readonly debian?: { readonly variant?: string; readonly mirror?: string };
  /** Variable `ROOTFS_BACKEND`. Default: `mke2fs`. */
  readonly rootfsBackend?: RootfsBackend;
  /** Variable `ACCEL`. Default: `auto`. */
  readonly accel?: "auto" | "kvm" | "tcg";
  /** Seconds a guest has to reach user space under KVM. Default: 10. */
  readonly accelProbeSeconds?: number;
  /** Variable `CONFIG_CHECK`. Default: `strict`: an option that is not applied fails the task. */
  readonly configCheck?: "warn" | "strict";
  /** Kernel to symbols that may stay unapplied. */
  readonly configAllow?: Readonly<Record<string, readonly string[]>>;
  /** Labels of a pull request. */
  readonly select?: { readonly kernelPrefix?: string; readonly none?: string; readonly dryRun?: string };
  /** Variable `BY`. Default: `diff`. */
  readonly planBy?: "diff" | "content";
  /** Changes of the project's own, asked in this order. */
  readonly extend?: Extensions;
}

/** What a project can change without a plugin of its own. */
export interface Extensions {
  /** Options of a kernel, in order; returns those to apply. */
  readonly kernelOptions?: (kernel: string, options: readonly ConfigOption[]) => readonly ConfigOption[];
  /** Further types of actions: `op` to a shell line that runs in the image. */
  readonly actionTypes?: Readonly<Record<string, (op: Readonly<Record<string, string>>) => string>>;
  /** Further kinds of sources: `op` to a shell line that fills the empty folder it is started in. */
  readonly sourceKinds?: Readonly<Record<string, (op: Readonly<Record<string, string>>) => string>>;
  /** The plan of `ci:plan` before it is shown; its matrix is made from the builds that are returned. */
  readonly plan?: (plan: Plan) => Plan;
}

const flavorMarks: OptionMarks<Flavor> = {
  base: "required string",
  arches: "required list",
};
const extensionMarks: OptionMarks<Extensions> = {
  kernelOptions: "optional",
  actionTypes: "optional",
  sourceKinds: "optional",
  plan: "optional",
};

/** The names of the options. */
export const kernelRootfsMarks: OptionMarks<KernelRootfsOptions> = {
  registry: "optional",
  ciSuffix: "optional",
  engine: "optional",
  mode: "optional",
  dataDir: "optional",
  lock: "optional",
  tag: "optional",
  kernels: "required",
  images: "required",
  flavors: { mark: "optional", each: flavorMarks },
  pkgRepo: "optional",
  debian: { mark: "optional", inside: { variant: "optional", mirror: "optional" } },
  rootfsBackend: "optional",
  accel: "optional",
  accelProbeSeconds: "optional",
  configCheck: "optional",
  configAllow: "optional",
  select: { mark: "optional", inside: { kernelPrefix: "optional", none: "optional", dryRun: "optional" } },
  planBy: "optional",
  extend: { mark: "optional", inside: extensionMarks },
};

/** Reads kernels.json or images.json of little-vm-helper, strictly. */
export function fromLvhJson<Facts extends KernelFacts | ImageFacts>(
  file: string,
  more: { readonly defaults?: Facts; readonly overrides?: Readonly<Record<string, Facts>> } = {},
): LvhFile<Facts> {
  const { defaults, overrides = {} } = more;
  return { kind: "lvh-json", file, defaults: defaults ?? ({} as Facts), overrides }; // Every fact is optional.
}

/** A git repository; without `depth` its objects are shared with other kernels. */
export function git(source: { readonly url: string; readonly branch?: string; readonly depth?: number }): KernelSource {
  return { kind: "git", branch: "master", ...source };
}

/** A tarball: a path relative to the project root, or an https address. */
export function tarball(source: { readonly from: string; readonly sha256: string }): KernelSource {
  return { kind: "tarball", ...source };
}

/** A folder that is there already; it is never written to. */
export function localDir(source: { readonly path: string }): KernelSource {
  return { kind: "local-dir", ...source };
}

/** The tarball that a package such as `linux-source-6.1` puts into `/usr/src`. */
export function debianSource(source: { readonly package: string }): KernelSource {
  return { kind: "debian-source", ...source };
}

/** A kind of the project's own, described in `extend.sourceKinds`. */
export function ownSource(source: {
  readonly type: string;
  readonly op?: Readonly<Record<string, string>>;
}): KernelSource {
  return { kind: "own", op: {}, ...source };
}

/** A kernel source rpm of Rocky Linux; its own dockerfile builds it. */
export function srcRpm(source: { readonly repo: string; readonly ver: string; readonly kver: string }): KernelSource {
  return { kind: "src-rpm", ...source };
}

/** Architectures that kernels and images are made for. */
export type TargetArch = Extract<Arch, "amd64" | "arm64">;
