/** What a builderfile says about a builder and the images built in it, and KubeVirt's own answers as defaults. Types and data only. */
import type { Arch, OptionMarks } from "../../core/index.ts";
import type { EmulationMode, EngineName } from "../images/index.ts";
import { buildArgsOf } from "./arch.ts";

/** One flavour of the builder. Paths are relative to the project root. */
export interface VariantOptions {
  /** Last part of the image's name: `builder`. */
  readonly image: string;
  /** The same for the cross image. Absent: there is none. */
  readonly crossImage?: string;
  /** Architecture of the image that the cross image is built on. Default: `amd64`. */
  readonly crossArch?: Arch;
  /** Folder that COPY and ADD read. */
  readonly context: string;
  /** Default: `Dockerfile` in the context. */
  readonly dockerfile?: string;
  /** Default: `Dockerfile.cross-compile` in the context. */
  readonly crossDockerfile?: string;
  /** Build arguments of one architecture. Default: `ARCH`, `SONOBUOY_ARCH` and `BAZEL_ARCH`, as KubeVirt's Dockerfile reads them. */
  readonly buildArgs?: (arch: Arch) => Readonly<Record<string, string>>;
  /** Commands, as argument lists, that must work inside the finished image. Default: none. */
  readonly smoke?: (arch: Arch) => readonly (readonly string[])[];
  /** Number of CentOS Stream whose builder this is: `10`. Default: the number that the variant's name ends with. */
  readonly stream?: string;
}

/** Where the builder's version stands in a script. */
export interface WriteBack {
  /** Relative to the project root. */
  readonly file: string;
  /** Shell variable: `kubevirt_builder_version`. A value that is a whole reference keeps its form. */
  readonly variable?: string;
  /** Instead of `variable`: must match once in the file; its group `value`, or its first one, is replaced. */
  readonly pattern?: RegExp;
  readonly variant: string;
}

/** Bazel's part. */
export interface BazelOptions {
  /** Program. Default: `bazel`. */
  readonly program?: string;
  /** Words before the command: `--output_user_root=/var/cache/bazel`. Default: none. */
  readonly startup?: readonly string[];
  /** Further environment variables that Bazel gets. Default: none; `PATH`, `HOME`, proxies and logins always. */
  readonly env?: readonly string[];
  /** What `bazel-build` builds. Default: `//...`. */
  readonly targets?: readonly string[];
  /** A `bazel query` whose labels are built as well. Default: none. */
  readonly query?: string;
  /** Further configs for every call, beside that of the architecture. Default: `cs9` or what the stream says. */
  readonly configs?: readonly string[];
}

/** The images that `bazel-push-images` pushes: one matrix for build, push and index. */
export interface PushOptions {
  /** DOCKER_PREFIX for images. Default: `kubevirt`. */
  readonly prefix?: string;
  /** DOCKER_TAG. Default: `latest`. */
  readonly tag?: string;
  /** Target `//:push-NAME` for each name; `arches` absent: all of BUILD_ARCH. */
  readonly images: Readonly<Record<string, { readonly arches?: readonly Arch[] }>>;
  /** Folder of digests, relative to the project root. Default: `_out/digests`. */
  readonly digests?: string;
}

/** The program that fills in templates. */
export type Templator =
  /** Words before its options. */
  | readonly string[]
  /** Built first: by Bazel, or with KUBEVIRT_NO_BAZEL=true by `go build` in `go`. */
  | { readonly bazel: string; readonly go?: string };

/** The manifests. Paths are relative to the project root. */
export interface ManifestsOptions {
  readonly templator: Templator;
  /** Folder of `*.yaml.in`. Default: `manifests`. */
  readonly sources?: string;
  /** Folder of includes, not rendered itself. Default: `generated` in the sources. */
  readonly generated?: string;
  /** Default: `_out/manifests`. */
  readonly out?: string;
  /** Further options of the second pass, by name: `{ "gs-sha": "…" }`. They beat bt's own. Default: none. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** What bazelBuilder() is given. */
export interface BazelBuilderOptions {
  /** Default: KubeVirt's `cs9` and `cs10` in `hack/builder`. The first one is built when VARIANT is not given. */
  readonly variants?: Readonly<Record<string, VariantOptions>>;
  /** DOCKER_PREFIX for the builder: registry and namespace. Default: `quay.io/kubevirt`. */
  readonly prefix?: string;
  /** ARCHITECTURES. Default: amd64, arm64, s390x. One that is not among these is a new row, and can be asked for from then on. */
  readonly arches?: readonly Arch[];
  /** VERSION. Default: `yyMMddHHmm-COMMIT`. */
  readonly version?: string | ((facts: VersionFacts) => string);
  /** Who builds, unless KUBEVIRT_CRI says otherwise. Default: the first that works. */
  readonly engine?: EngineName;
  /** How commands of foreign architectures run. Default: `auto`. */
  readonly emulation?: EmulationMode;
  /** `false` allows unknown certificates and plain HTTP. Default: true; loopback hosts may speak plain HTTP. */
  readonly tlsVerify?: boolean;
  /** Path of the only auth file. Default: REGISTRY_AUTH_FILE, then the usual places. */
  readonly authFile?: string;
  /** Folder of `VARIANT/builder.json`, relative to the project root. Default: `_out/builder`. */
  readonly outDir?: string;
  /** Default: the two lines of KubeVirt's `hack/dockerized`, as far as the variants are there. */
  readonly writeBack?: readonly WriteBack[];
  readonly bazel?: BazelOptions;
  /** Absent: there are no tasks `bazel-push-images` and `push-container-manifest`. */
  readonly push?: PushOptions;
  /** Absent: there is no task `manifests`. */
  readonly manifests?: ManifestsOptions;
}

/** What a VERSION is made of. */
export interface VersionFacts {
  /** Local time. */
  readonly now: Date;
  /** Short. */
  readonly commit: string;
  readonly dirty: boolean;
}

/** A variant with its defaults. */
export interface Variant extends Required<Pick<VariantOptions, "image" | "context" | "dockerfile" | "crossArch">> {
  readonly name: string;
  /** Both are there or none is. */
  readonly cross?: { readonly image: string; readonly dockerfile: string };
  readonly stream?: string;
  readonly buildArgs: (arch: Arch) => Readonly<Record<string, string>>;
  readonly smoke: (arch: Arch) => readonly (readonly string[])[];
  /** Environment names of the two images. */
  readonly variables: { readonly image: string; readonly cross: string };
}

/** The options with their defaults; what all tasks share. */
export interface Shop {
  readonly options: BazelBuilderOptions;
  readonly variants: readonly Variant[];
  /** All that can be asked for. */
  readonly arches: readonly Arch[];
  /** Those that are built when nobody says which. */
  readonly chosen: readonly Arch[];
  readonly prefix: string;
  readonly outDir: string;
  readonly writeBack: readonly WriteBack[];
  /** Failures of image tasks in this run, by id. */
  readonly failures: Map<string, { readonly problem: string; readonly exitCode: number }>;
}

const variantMarks: OptionMarks<VariantOptions> = {
  image: "required string",
  crossImage: "optional",
  crossArch: "optional",
  context: "required string",
  dockerfile: "optional",
  crossDockerfile: "optional",
  buildArgs: "optional",
  smoke: "optional",
  stream: "optional",
};
const writeBackMarks: OptionMarks<WriteBack> = {
  file: "required string",
  variable: "optional",
  pattern: "optional",
  variant: "required string",
};
const bazelMarks: OptionMarks<BazelOptions> = {
  program: "optional",
  startup: "optional",
  env: "optional",
  targets: "optional",
  query: "optional",
  configs: "optional",
};
const pushMarks: OptionMarks<PushOptions> = {
  prefix: "optional",
  tag: "optional",
  images: "required record",
  digests: "optional",
};
const manifestsMarks: OptionMarks<ManifestsOptions> = {
  templator: "required",
  sources: "optional",
  generated: "optional",
  out: "optional",
  vars: "optional",
};

/** The names of the options. */
export const builderMarks: OptionMarks<BazelBuilderOptions> = {
  variants: { mark: "optional", each: variantMarks },
  prefix: "optional",
  arches: "optional",
  version: "optional",
  engine: "optional",
  emulation: "optional",
  tlsVerify: "optional",
  authFile: "optional",
  outDir: "optional",
  writeBack: { mark: "optional", each: writeBackMarks },
  bazel: { mark: "optional", inside: bazelMarks },
  push: { mark: "optional", inside: pushMarks },
  manifests: { mark: "optional", inside: manifestsMarks },
};

const kubevirt: Readonly<Record<string, VariantOptions>> = {
  cs9: { image: "builder", crossImage: "builder-cross", context: "hack/builder" },
  cs10: {
    image: "builder-cs10",
    crossImage: "builder-cs10-cross",
    context: "hack/builder",
    dockerfile: "hack/builder/Dockerfile.cs10",
  },
};
const kubevirtWriteBack: readonly WriteBack[] = [
  { file: "hack/dockerized", variable: "kubevirt_builder_version", variant: "cs9" },
  { file: "hack/dockerized", variable: "kubevirt_cs10_builder_version", variant: "cs10" },
];
/** Architectures that KubeVirt's builder has. */
const kubevirtArches: readonly Arch[] = ["amd64", "arm64", "s390x"];

/** The options with their defaults. */
export function openShop(options: BazelBuilderOptions): Shop {
  const given = options.variants ?? kubevirt;
  const arches = options.arches ?? kubevirtArches;
  return {
    options,
    variants: Object.entries(given).map(([name, variant], at) => fillIn(name, variant, at)),
    arches: [...new Set([...kubevirtArches, ...arches])],
    chosen: arches,
    prefix: options.prefix ?? "quay.io/kubevirt",
    outDir: options.outDir ?? "_out/builder",
    writeBack: options.writeBack ?? kubevirtWriteBack.filter(({ variant }) => given[variant] !== undefined),
    failures: new Map(),
  };
}

function fillIn(name: string, options: VariantOptions, at: number): Variant {
  const { image, crossImage, context, crossArch = "amd64", buildArgs = buildArgsOf, smoke = () => [] } = options;
  const stream = options.stream ?? /\d+$/.exec(name)?.[0];
  const upper = at === 0 ? "" : `${name.toUpperCase().replaceAll(/\W/g, "_")}_`;
  const crossDockerfile = options.crossDockerfile ?? `${context}/Dockerfile.cross-compile`;
  return {
    name,
    image,
    context,
    dockerfile: options.dockerfile ?? `${context}/Dockerfile`,
    crossArch,
    buildArgs,
    smoke,
    variables: { image: `DOCKER_${upper}IMAGE`, cross: `DOCKER_${upper}CROSS_IMAGE` },
    ...(crossImage === undefined ? {} : { cross: { image: crossImage, dockerfile: crossDockerfile } }),
    ...(stream === undefined ? {} : { stream }),
  };
}
