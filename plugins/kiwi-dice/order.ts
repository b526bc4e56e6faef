/** One order: a recipe with its build host and options, after all that may say something was heard. Does not check whether it can be carried out. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative, resolve } from "node:path";
import { parseDicefile, type Dicefile } from "./dicefile.ts";
import { recipeMissing } from "./errors.ts";
import type { Asked } from "./params.ts";
import type { BuildHost, ContainerHost, DiceOptions, KiwiDiceOptions, KiwiOptions } from "./recipe.ts";
import { findStat } from "./stat.ts";

/** What is built, where and how. */
export interface Order {
  /** Name of the recipe, else its folder relative to the project root. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** Project root, absolute. */
  readonly root: string;
  readonly host: BuildHost;
  readonly kiwi: KiwiOptions & { readonly bin: string; readonly profiles: readonly string[] };
  readonly bundle: { readonly id: string; readonly compress?: boolean } | false;
  readonly resultDir?: string;
  readonly keepRoot: "never" | "on-failure" | "always";
  readonly force: boolean;
  readonly offline: boolean;
  readonly lockTimeoutMs: number;
  readonly timeoutMs?: number;
  /** Dice's `-i` was given, which does nothing yet. */
  readonly skipMissing: boolean;
}

/** What an order is made of. */
export interface Wishes {
  readonly root: string;
  /** Name of the recipe in the builderfile. Absent: `asked.recipe` is a folder. */
  readonly name?: string;
  readonly options: KiwiDiceOptions;
  readonly asked: Asked;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The order: argument and environment, then the builderfile's entry, then Dicefile and Vagrantfile, then the builderfile's defaults.
 * @throws BtError KIWI_DICE_RECIPE_MISSING, KIWI_DICE_DICEFILE_LINE, KIWI_DICE_DICEFILE_SETTING
 */
export function settleOrder({ root, name, options, asked, env }: Wishes): Order {
  const entry: Partial<DiceOptions> = name === undefined ? {} : (options.recipes[name] ?? {});
  const { defaults = {} } = options;
  const folder = resolve(root, entry.recipe ?? asked.recipe ?? "");
  const label = relative(root, folder) || ".";
  if (!isFolder(folder)) throw recipeMissing(label);
  const said = readSaid(folder, label, env);
  const kiwi = { ...defaults.kiwi, ...entry.kiwi };
  const type = asked.kiwitype ?? kiwi.type;
  const profiles = filled(asked.kiwiprofile) ?? kiwi.profiles ?? [];
  const bundle = entry.bundle ?? defaults.bundle ?? {};
  const resultDir = entry.resultDir ?? defaults.resultDir;
  const timeout = entry.timeout ?? defaults.timeout;
  return {
    name: name ?? label,
    folder,
    root,
    host: settleHost({ asked, entry, said, defaults, env }),
    kiwi: { ...kiwi, bin: kiwi.bin ?? "kiwi-ng", profiles, ...(type === undefined ? {} : { type }) },
    bundle: bundle === false ? false : { ...bundle, id: asked.bundleId ?? bundle.id ?? "DiceBuild" },
    ...(resultDir === undefined ? {} : { resultDir: resolve(root, resultDir) }),
    keepRoot: entry.keepRoot ?? defaults.keepRoot ?? "never",
    force: asked.force ?? entry.force ?? defaults.force ?? false,
    offline: asked.offline ?? entry.offline ?? defaults.offline ?? false,
    lockTimeoutMs: (asked.lockTimeout ?? entry.lockTimeout ?? defaults.lockTimeout ?? 0) * 1000,
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    skipMissing: asked.skipMissing ?? false,
  };
}

/** Name of the declared recipe that `RECIPE=` means, by name or by folder. */
export function findRecipe(options: KiwiDiceOptions, recipe: string, root: string): string | undefined {
  if (Object.hasOwn(options.recipes, recipe)) return recipe;
  return Object.keys(options.recipes).find(
    (name) => resolve(root, options.recipes[name]?.recipe ?? "") === resolve(root, recipe),
  );
}

/** Whether the unpacked image stays after a build that ended so. */
export function isKept({ keepRoot }: Order, succeeded: boolean): boolean {
  return keepRoot === "always" || (keepRoot === "on-failure" && !succeeded);
}

/** A path of the user's home folder or of the project. */
export function homePath(path: string, root: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : resolve(root, path);
}

/** `build@build.example.com`, `docker`: how messages call a host. */
export function hostName(host: BuildHost): string {
  switch (host.kind) {
    case "local":
      return "this machine";
    case "ssh":
      return host.host;
    case "docker":
      return `a container of ${host.engine ?? "docker"}`;
    case "vagrant":
      return "the machine of Vagrant";
    case "box":
      return `box ${host.box}`;
  }
}

interface Said extends Dicefile {
  readonly hasVagrantfile: boolean;
}

function readSaid(folder: string, label: string, env: Wishes["env"]): Said {
  const file = join(folder, "Dicefile");
  const read = isThere(file) ? parseDicefile(readFileSync(file, "utf8"), join(label, "Dicefile"), env) : {};
  return { ...read, hasVagrantfile: isThere(join(folder, "Vagrantfile")) };
}

interface Speakers {
  readonly asked: Asked;
  readonly entry: Partial<DiceOptions>;
  readonly said: Said;
  readonly defaults: Partial<DiceOptions>;
  readonly env: Wishes["env"];
}

function settleHost(speakers: Speakers): BuildHost {
  const { asked, entry, said, defaults } = speakers;
  const named = asked.buildhost;
  const known = [entry.buildhost, defaults.buildhost].filter((host) => host !== undefined);
  if (named !== undefined) return fill(toHost(named), speakers, known);
  if (entry.buildhost !== undefined) return fill(entry.buildhost, speakers, [entry.buildhost]);
  if (said.buildhost?.kind === "host") return fill(sshHost(said.buildhost.name), speakers, known);
  if (said.buildhost?.kind === "docker") return fill({ kind: "docker", image: "" }, speakers, known);
  if (said.buildhost?.kind === "vagrant" || said.hasVagrantfile) return fill({ kind: "vagrant" }, speakers, known);
  return fill(defaults.buildhost ?? { kind: "local" }, speakers, known);
}

function toHost(text: string): BuildHost {
  if (text === "local" || text === "vagrant") return { kind: text };
  if (text === "docker" || text === "podman") return { kind: "docker", engine: text, image: "" };
  if (text.startsWith("box:")) return { kind: "box", box: text.slice("box:".length) };
  return sshHost(text);
}

function sshHost(host: string): BuildHost {
  return { kind: "ssh", host, user: "", key: "", knownHosts: "" };
}

/** Puts in what single variables and other places say about a host of this kind. */
function fill(host: BuildHost, { asked, said, env }: Speakers, known: readonly BuildHost[]): BuildHost {
  const other = known.find(({ kind }) => kind === host.kind);
  switch (host.kind) {
    case "ssh": {
      const more = other?.kind === "ssh" ? other : undefined;
      const { user = "", key = "", knownHosts = "" } = more ?? {};
      return {
        ...more,
        ...host,
        user: asked.sshUser ?? filled(host.user) ?? filled(user) ?? said.sshUser ?? "vagrant",
        key: asked.sshPrivateKey ?? filled(host.key) ?? filled(key) ?? said.sshKey ?? "",
        knownHosts: asked.knownHosts ?? filled(host.knownHosts) ?? filled(knownHosts) ?? "~/.ssh/known_hosts",
      };
    }
    case "docker": {
      const { image, ...more }: Partial<ContainerHost> = other?.kind === "docker" ? other : {};
      const pull = asked.skipContainerUpdate === true ? ({ pull: "missing" } as const) : {};
      return { ...more, ...host, image: asked.image ?? filled(host.image) ?? image ?? "", ...pull };
    }
    case "vagrant":
      return { ...host, provider: asked.provider ?? host.provider ?? env["VAGRANT_DEFAULT_PROVIDER"] ?? "docker" };
    case "box":
      return other?.kind === "box" ? { ...other, ...host } : host;
    case "local":
      return other?.kind === "local" ? { ...other, ...host } : host;
  }
}

function filled<T extends string | readonly unknown[]>(value: T | undefined): T | undefined {
  return value === undefined || value.length === 0 ? undefined : value;
}

/** Asked for every recipe of a run: without an exception for what is not there. */
function isThere(path: string): boolean {
  return findStat(path) !== undefined;
}

function isFolder(path: string): boolean {
  return findStat(path)?.isDirectory() ?? false;
}
