/** The variables of the original as params, with its defaults, and those that have no effect on a task. Loads nothing. */
import { hostPlatform, param, type Arch, type Context, type Param } from "../../core/index.ts";
import type { Shop, Variant } from "./options.ts";
import { archesParam, nameParam, prefixParam, referenceParam, tagParam, wordParam } from "./text.ts";

/** Values of builderParams(). */
export interface BuilderValues {
  readonly prefix: string;
  readonly architectures: readonly Arch[] | undefined;
  readonly arch: readonly Arch[] | undefined;
  readonly version: string | undefined;
  readonly force: boolean;
  readonly variant?: string | undefined;
}

/** Values of pushParams(). */
export interface PushValues {
  readonly prefix: string;
  readonly buildArch: readonly Arch[];
  readonly tag: string;
  readonly tagAlt: string | undefined;
  readonly imagePrefix: string;
  readonly imagePrefixAlt: string;
  readonly targets: readonly string[];
  readonly stream: string | undefined;
}

type Set<T> = { readonly [K in keyof T]-?: Param<T[K]> } & Readonly<Record<string, Param>>;

/** What `builder-*` tasks read. A task of one variant has no VARIANT. */
export function builderParams(shop: Shop, fixed?: Variant): Set<BuilderValues> {
  const { variants, arches, prefix, options } = shop;
  const names = new Map(variants.map(({ name }) => [name, name]));
  const own = fixed === undefined ? variants : [fixed];
  const version = typeof options.version === "string" ? { default: options.version } : {};
  const images = own.flatMap(({ image, cross, variables }) => [
    [variables.image, nameParam({ env: variables.image, default: image, description: "Name of the builder image" })],
    ...(cross === undefined
      ? []
      : [
          [
            variables.cross,
            nameParam({ env: variables.cross, default: cross.image, description: "Name of the cross image" }),
          ],
        ]),
  ]);
  return {
    ...(fixed !== undefined
      ? {}
      : {
          variant: wordParam(names, {
            env: "VARIANT",
            description: `Which builder: ${[...names.keys()].join(", ")}`,
            ...(variants[0] === undefined ? {} : { default: variants[0].name }),
          }),
        }),
    prefix: prefixParam({ env: "DOCKER_PREFIX", default: prefix, description: "Registry and namespace" }),
    architectures: archesParam(arches, { env: "ARCHITECTURES", description: `Which of ${arches.join(", ")}` }),
    arch: archesParam(arches, { env: "ARCH", description: "Outdated: use ARCHITECTURES" }),
    version: tagParam({ env: "VERSION", ...version, description: "Tag of the builder" }, arches),
    force: param.flag({ env: "FORCE", description: "A new version; when publishing: move a tag that exists" }),
    ...Object.fromEntries(images),
  } as Set<BuilderValues>; // VARIANT may be absent.
}

/** What pushing, indexing and rendering read. */
export function pushParams(shop: Shop): Set<PushValues> {
  const { push } = shop.options;
  const arches = [
    ...new Set([...shop.arches, ...Object.values(push?.images ?? {}).flatMap((one) => one.arches ?? [])]),
  ];
  const buildArch = archesParam(arches, { env: "BUILD_ARCH", description: "Architectures, default: this machine's" });
  const listed = Object.keys(push?.images ?? {});
  return {
    prefix: prefixParam({
      env: "DOCKER_PREFIX",
      default: push?.prefix ?? "kubevirt",
      description: "Registry and namespace of the images",
    }),
    buildArch: { ...buildArch, default: [hostPlatform().arch] } as Param<readonly Arch[]>,
    tag: tagParam({ env: "DOCKER_TAG", default: push?.tag ?? "latest", description: "Tag" }, arches) as Param<string>,
    tagAlt: tagParam({ env: "DOCKER_TAG_ALT", description: "Second tag" }, arches),
    imagePrefix: nameParam({ env: "IMAGE_PREFIX", default: "", description: "Stands before each image's name" }),
    imagePrefixAlt: nameParam({
      env: "IMAGE_PREFIX_ALT",
      default: "",
      description: "Second prefix, with DOCKER_TAG only",
    }),
    targets: param.list({ env: "PUSH_TARGETS", description: `Some of ${listed.length} images, default: all` }),
    stream: streamParam(shop),
  };
}

/** CentOS Stream by number; the name of its variant comes out. */
function streamParam({ variants }: Shop): Param<string | undefined> {
  const streams = new Map(
    variants.flatMap(({ stream, name }) => (stream === undefined ? [] : [[stream, name] as const])),
  );
  const [first] = variants;
  return wordParam(streams, {
    env: "KUBEVIRT_CENTOS_STREAM_VERSION",
    description: `CentOS Stream: ${[...streams.keys()].join(", ")}`,
    ...(first === undefined ? {} : { default: first.name }),
  });
}

/** KUBEVIRT_BUILDER_IMAGE. */
export function referenceVariable(): Param<string | undefined> {
  return referenceParam({ env: "KUBEVIRT_BUILDER_IMAGE", description: "The builder to use, whatever was built" });
}

/** Variables that people set for a task on which they have no effect: name to what to use instead. */
export type Idle = Readonly<Record<string, string>>;

/** Idle variables of the builder's tasks. */
export const builderIdle: Idle = {
  TMP_IMAGES: "the index has what this run built",
  BUILD_ARCH: "use ARCHITECTURES",
  SINGLE_ARCH: "use ARCHITECTURES",
  DOCKER_TAG: "use VERSION",
};
/** Idle variables of pushing. */
export const pushIdle: Idle = {
  ARCHITECTURES: "use BUILD_ARCH",
  ARCH: "use BUILD_ARCH",
  VERSION: "use DOCKER_TAG",
};

/** Params that only say that they do nothing. */
export function idleParams(idle: Idle): Readonly<Record<string, Param<string | undefined>>> {
  const entries = Object.entries(idle).map(([name, instead]) => [
    name,
    param.string({ env: name, description: `No effect here: ${instead}` }),
  ]);
  return Object.fromEntries(entries) as Readonly<Record<string, Param<string | undefined>>>;
}

/** Warns of idle variables that are set, and of ARCH. */
export function warnIdle({ params, log }: Pick<Context, "params" | "log">, idle: Idle): void {
  for (const [name, instead] of Object.entries(idle))
    if (params[name] !== undefined) log.warn(`${name} has no effect here: ${instead}`);
  const arch = params["arch"] as readonly Arch[] | undefined; // As builderParams() declares it.
  if (arch === undefined) return;
  const meaning = params["architectures"] === undefined ? `taken as ARCHITECTURES="${arch.join(" ")}"` : "ignored";
  log.warn(`ARCH is outdated and ${meaning}: use ARCHITECTURES`);
}

/** Architectures that a builder's task works on. */
export function chosenArches(shop: Shop, { architectures, arch }: Partial<BuilderValues>): readonly Arch[] {
  return architectures ?? arch ?? shop.chosen;
}
