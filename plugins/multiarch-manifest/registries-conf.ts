/** registries.conf: insecure, blocked and moved registries, short names. Only importer of `smol-toml`; does not know how requests are sent. */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "smol-toml";
import type { ShortNames } from "./reference.ts";
import { confMalformed, confMissing, registryBlocked } from "./registry-errors.ts";

/** One `[[registry]]` block. */
export interface RegistryRule {
  /** `host`, `host/name`, or `*.domain`. */
  readonly prefix: string;
  /** What the prefix is replaced with. Absent: itself. */
  readonly location?: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
}

/** What was read from registries.conf and its drop-in folder. */
export interface RegistriesConf extends ShortNames {
  readonly rules: readonly RegistryRule[];
  /** Text of the main file, for engines that are given a changed copy. Empty: there is none. */
  readonly text: string;
}

/** A repository after registries.conf was applied. */
export interface Endpoint {
  /** Host and port to connect to. */
  readonly host: string;
  readonly repository: string;
  readonly insecure: boolean;
}

/** Where to look. */
export interface ConfOptions {
  /** Path. Default: CONTAINERS_REGISTRIES_CONF, the user's file, the machine's file. */
  readonly registriesConf?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface RawConf {
  readonly "unqualified-search-registries"?: readonly string[];
  readonly aliases?: Readonly<Record<string, string>>;
  readonly registry?: readonly Partial<RegistryRule>[];
}

/**
 * The registries.conf in force; empty when there is none.
 * @throws BtError REGISTRY_CONF_MISSING for a path that was given, REGISTRY_CONF_MALFORMED
 */
export async function loadRegistriesConf(options: ConfOptions): Promise<RegistriesConf> {
  const named = options.registriesConf || options.env["CONTAINERS_REGISTRIES_CONF"];
  const user = join(options.env["HOME"] ?? homedir(), ".config", "containers", "registries.conf");
  const system = "/etc/containers/registries.conf";
  const main = named ? [named] : [user, system];
  const found = await readFirst(main);
  if (named && found === undefined) throw confMissing(named);
  const texts = found === undefined ? [] : [found];
  for (const path of named ? [named] : [system, user])
    texts.push(...(await readFolder(`${join(dirname(path), "registries.conf.d")}`)));
  const parsed = texts.map(({ path, text }) => parseConf(path, text));
  const search = parsed.map((conf) => conf["unqualified-search-registries"]).findLast((list) => list !== undefined);
  return {
    rules: parsed.flatMap((conf) => conf.registry ?? []).map(ruleOf),
    aliases: Object.assign({}, ...parsed.map((conf) => conf.aliases ?? {})) as Record<string, string>,
    searchRegistries: search ?? [],
    text: found?.text ?? "",
  };
}

/**
 * Where a repository really is: the longest matching prefix decides.
 * @throws BtError REGISTRY_BLOCKED
 */
export function findEndpoint(conf: RegistriesConf, host: string, repository: string): Endpoint {
  const name = `${host}/${repository}`;
  const matches = conf.rules.filter((rule) => matchLength(rule, name) > 0);
  const rule = matches.sort((a, b) => matchLength(b, name) - matchLength(a, name))[0];
  if (rule?.blocked === true) throw registryBlocked(name, rule.prefix);
  const moved = rule?.location === undefined ? name : rule.location + name.slice(matchLength(rule, name));
  const slash = moved.indexOf("/");
  const target = moved.slice(0, slash);
  return {
    host: target === "docker.io" ? "registry-1.docker.io" : target,
    repository: moved.slice(slash + 1),
    insecure: rule?.insecure ?? false,
  };
}

/**
 * Text of a registries.conf for container engines: the user's, and the given hosts as insecure. Engines do not know bt's loopback rule.
 * Hosts that have a block of their own keep it.
 */
export function renderEngineConf(conf: RegistriesConf, insecureHosts: readonly string[]): string {
  const hosts = [...new Set(insecureHosts)].sort().filter((host) => !conf.rules.some((rule) => rule.prefix === host));
  const blocks = hosts.map((host) => `[[registry]]\nlocation = ${JSON.stringify(host)}\ninsecure = true\n`);
  return (
    [conf.text, ...blocks]
      .map((part) => part.trimEnd())
      .filter((part) => part !== "")
      .join("\n\n") + "\n"
  );
}

function ruleOf(raw: Partial<RegistryRule>): RegistryRule {
  const prefix = raw.prefix ?? raw.location ?? "";
  const moved = raw.location !== undefined && raw.location !== prefix;
  return {
    prefix,
    ...(moved && { location: raw.location }),
    insecure: raw.insecure === true,
    blocked: raw.blocked === true,
  };
}

/** Characters of `name` that the rule's prefix covers; 0 if it does not match. */
function matchLength(rule: RegistryRule, name: string): number {
  const host = name.slice(0, name.indexOf("/"));
  if (rule.prefix.startsWith("*.")) return host.endsWith(rule.prefix.slice(1)) ? host.length : 0;
  const { length } = rule.prefix;
  return length > 0 && name.startsWith(rule.prefix) && ["/", undefined].includes(name[length]) ? length : 0;
}

function parseConf(path: string, text: string): RawConf {
  try {
    return parse(text) as RawConf;
  } catch (error) {
    throw confMalformed(path, error);
  }
}

async function readFirst(paths: readonly string[]): Promise<{ path: string; text: string } | undefined> {
  for (const path of paths) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return { path, text };
  }
  return undefined;
}

async function readFolder(dir: string): Promise<{ path: string; text: string }[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => name.endsWith(".conf")).sort();
  return Promise.all(
    names.map(async (name) => ({ path: join(dir, name), text: await readFile(join(dir, name), "utf8") })),
  );
}
