/** The table of kernels, images and flavors that tasks, plans and releases use; loading it checks everything. Does not know tasks. */
import { findPlatform, type BtError, type Place } from "../../core/index.ts";
import { nameTwice, nameWrong, overrideUnknown, platformWrong, urlWrong } from "./data-errors.ts";
import { checkImages, type Image } from "./forest.ts";
import type { Findings } from "./json-shape.ts";
import { parseKernelUrl } from "./kernel-url.ts";
import { checkWrittenImage, readImagesFile, readKernelsFile, type KernelsFile, type Placed } from "./lvh-json.ts";
import { collectOptions } from "./config-option.ts";
import type {
  ConfigOption,
  ImageFacts,
  ImgConf,
  KernelConf,
  KernelFacts,
  KernelRootfsOptions,
  KernelSource,
  TargetArch,
} from "./options.ts";
import { compareVersions, splitOverrides } from "./outline.ts";
import { throwTogether } from "./together.ts";

/** One kernel with all that is known about it. */
export interface Kernel {
  readonly name: string;
  /** Absent: nobody has said. */
  readonly source?: KernelSource;
  /** Common ones, its entry's, its override's; names start with CONFIG_, the last one of a name counts. */
  readonly options: readonly ConfigOption[];
  /** Added to every make. */
  readonly makeArgs: readonly string[];
  readonly platforms: readonly TargetArch[];
  readonly pkgRepo: string;
  readonly dockerfile: string;
  readonly patches?: string;
  /** Target of the kernel's make. */
  readonly baseConfig: string;
  readonly isOptIn: boolean;
  readonly isQuarantined: boolean;
  /** Days. */
  readonly maxAge?: number;
  readonly at: Place;
}

/** A flavor with its architectures checked. */
export interface FamilyFlavor {
  readonly base: string;
  readonly arches: readonly TargetArch[];
}

export interface Family {
  /** In the order of their versions. */
  readonly kernels: ReadonlyMap<string, Kernel>;
  /** In the order of the file. */
  readonly images: ReadonlyMap<string, Image>;
  readonly flavors: Readonly<Record<string, FamilyFlavor>>;
  readonly warnings: readonly string[];
}

/** Where the builderfile called the plugin. */
export interface Site {
  readonly stack?: string;
}

/**
 * Reads and checks all data.
 * @throws BtError KERNEL_ROOTFS_…: all mistakes together
 */
export function loadFamily(options: KernelRootfsOptions, site: Site): Family {
  const findings: Findings = { mistakes: [], warnings: [] };
  const kernels = loadKernels(options, site, findings);
  const images = loadImages(options, kernels, site, findings);
  checkNamed(options, { kernels: [...kernels.keys()], images: [...images.keys()] }, site, findings.mistakes);
  const flavors = Object.fromEntries(
    Object.entries(options.flavors ?? {}).map(([name, { base, arches }]) => [
      name,
      { base, arches: arches.flatMap((arch) => readArch(arch, name, site, findings.mistakes)) },
    ]),
  );
  throwTogether(findings.mistakes);
  return { kernels, images, flavors, warnings: findings.warnings };
}

function loadKernels(options: KernelRootfsOptions, site: Site, findings: Findings): ReadonlyMap<string, Kernel> {
  const { kernels: given, extend } = options;
  const { kernels: entries, commonOptions } = "kind" in given ? readKernelsFile(given.file, findings) : written(given);
  const overrides = "kind" in given ? splitOverrides(given.overrides) : new Map<string, KernelFacts>();
  const defaults = "kind" in given ? given.defaults : {};
  const byName = new Map<string, Placed<KernelConf>>();
  for (const placed of entries) {
    const { name } = placed.entry;
    const first = byName.get(name);
    const at = placed.placeOf("name");
    if (!/^[A-Za-z0-9][\w.-]*$/.test(name) || /^(git|out)$/.test(name))
      findings.mistakes.push(nameWrong(at, "kernel", name));
    if (first !== undefined) findings.mistakes.push(nameTwice(at, "kernel", name, first.placeOf("name")));
    else byName.set(name, placed);
  }
  const templates = new Set([...overrides.values()].flatMap(({ config }) => config ?? []));
  const members = [...byName.values()].filter(({ entry }) => !templates.has(entry.name) || entry.url !== undefined);
  const names = new Set(members.map(({ entry }) => entry.name));
  const known = [...byName.keys()];
  for (const [name, { config }] of overrides) {
    if (config !== undefined) names.add(name);
    const wanted = config ?? name;
    if (!byName.has(wanted)) findings.mistakes.push(overrideUnknown(site, { field: "overrides", name: wanted, known }));
  }
  const loaded = [...names].sort(compareVersions).flatMap((name): Kernel[] => {
    const own = overrides.get(name) ?? {};
    const placed = byName.get(own.config ?? name);
    if (placed === undefined) return [];
    const written = "kind" in given ? {} : (given.find((one) => one.name === name) ?? {});
    const facts = { ...defaults, ...written, ...own };
    const extra = [...(defaults.opts ?? []), ...(own.opts ?? [])];
    const collected = collectOptions([...commonOptions, ...(placed.entry.opts ?? []), ...extra], name);
    const asked = extend?.kernelOptions?.(name, collected) ?? collected;
    const source = facts.source ?? readSource(placed, findings);
    const kinds = Object.keys(extend?.sourceKinds ?? {});
    if (source?.kind === "own" && !kinds.includes(source.type))
      findings.mistakes.push(overrideUnknown(site, { field: "ownSource", name: source.type, known: kinds }));
    return [
      {
        name,
        ...(source === undefined ? {} : { source }),
        options: collectOptions(asked, name),
        makeArgs: placed.entry.extra_make_args ?? [],
        platforms: (facts.platforms ?? ["amd64", "arm64"]).flatMap((one) =>
          readArch(one, name, site, findings.mistakes),
        ),
        pkgRepo: facts.pkgRepo ?? options.pkgRepo ?? "sid",
        dockerfile: facts.dockerfile ?? "dockerfiles/kernel-images",
        ...(facts.patches === undefined ? {} : { patches: facts.patches }),
        baseConfig: facts.baseConfig ?? "defconfig",
        isOptIn: facts.optIn ?? false,
        isQuarantined: facts.quarantine ?? false,
        ...(facts.maxAge === undefined ? {} : { maxAge: facts.maxAge }),
        at: placed.at,
      },
    ];
  });
  return new Map(loaded.map((kernel) => [kernel.name, kernel]));
}

function readSource({ entry, placeOf }: Placed<KernelConf>, { mistakes }: Findings): KernelSource | undefined {
  if (entry.url === undefined) return undefined;
  const parsed = parseKernelUrl(entry.url);
  if ("source" in parsed) return parsed.source;
  mistakes.push(urlWrong(placeOf("url"), entry.url, parsed.problem));
  return undefined;
}

function readArch(text: string, owner: string, site: Site, mistakes: BtError[]): readonly TargetArch[] {
  const arch = findPlatform(text)?.arch;
  if (arch === "amd64" || arch === "arm64") return [arch];
  mistakes.push(platformWrong(site, owner, text));
  return [];
}

const builderfile: Place = { where: "builderfile.ts" };

function written<T>(entries: readonly T[]): Omit<KernelsFile, "kernels"> & { readonly kernels: readonly Placed<T>[] } {
  return {
    kernels: entries.map((entry) => ({ entry, at: builderfile, placeOf: () => builderfile })),
    commonOptions: [],
  };
}

function loadImages(
  options: KernelRootfsOptions,
  kernels: ReadonlyMap<string, Kernel>,
  site: Site,
  findings: Findings,
): ReadonlyMap<string, Image> {
  const { images: given, dataDir = "_data", extend } = options;
  const isKnown = (type: string): boolean => extend?.actionTypes?.[type] !== undefined;
  const entries: readonly Placed<ImgConf>[] =
    "kind" in given ? readImagesFile(given.file, findings, isKnown) : written(given).kernels;
  if (!("kind" in given)) for (const { entry, at } of entries) checkWrittenImage(entry, at, findings, isKnown);
  const overrides = "kind" in given ? splitOverrides(given.overrides) : new Map<string, ImageFacts>();
  const known = entries.map(({ entry }) => entry.name);
  for (const name of overrides.keys())
    if (!known.includes(name)) findings.mistakes.push(overrideUnknown(site, { field: "overrides", name, known }));
  const factsOf = (name: string): ImageFacts =>
    "kind" in given ? { ...given.defaults, ...overrides.get(name) } : (given.find((one) => one.name === name) ?? {});
  const archesOf = (name: string): readonly TargetArch[] =>
    (factsOf(name).arches ?? ["amd64", "arm64"]).flatMap((one) => readArch(one, name, site, findings.mistakes));
  const isFamilyKernel = (dir: string): boolean => kernels.has(kernelOfDir(dir) ?? "");
  return checkImages(entries, { dataDir, archesOf, isFamilyKernel }, findings);
}

/** Name of the kernel whose build would make a folder `kernels/NAME`. */
export function kernelOfDir(dir: string): string | undefined {
  return /^kernels\/([^/]+)\/?$/.exec(dir)?.[1];
}

function checkNamed(
  { flavors = {}, configAllow = {} }: KernelRootfsOptions,
  known: { readonly kernels: readonly string[]; readonly images: readonly string[] },
  site: Site,
  mistakes: BtError[],
): void {
  for (const { base } of Object.values(flavors))
    if (!known.images.includes(base))
      mistakes.push(overrideUnknown(site, { field: "flavors", name: base, known: known.images }));
  for (const name of Object.keys(configAllow))
    if (!known.kernels.includes(name))
      mistakes.push(overrideUnknown(site, { field: "configAllow", name, known: known.kernels }));
}
