/** Which engine builds an image, and why. The decision is pure; what the machine has is asked beside it. Does not build. */
import { packagesOf, type Requirement } from "../../core/index.ts";
import { daemonUnreachable, engineMissing, engineNone, engineUnable, engineUnknown } from "./engine-errors.ts";
import { engineNames, type EngineName } from "./engine-name.ts";
import { probeEngine, type Capability, type Probe } from "./engine-probe.ts";

/** Words that choose an engine: a name, or the path of a program whose last name is one. Empty is as absent; the first one wins. */
export interface EngineWords {
  /** `--engine`, `ENGINE`. */
  readonly engine?: string | undefined;
  /** KUBEVIRT_CRI: `podman` or `docker`. */
  readonly kubevirtCri?: string | undefined;
  /** CONTAINER_CLI. */
  readonly containerCli?: string | undefined;
  /** DOCKER. */
  readonly docker?: string | undefined;
  /** What the builderfile says. */
  readonly builderfile?: string | undefined;
  readonly settings?: { readonly engine?: string };
  /** Whether the Dockerfile has a RUN. Default: true. */
  readonly runs?: boolean;
}

/** An engine that can be used. */
export interface EngineChoice {
  readonly name: EngineName;
  /** Name or path of the program; that of the embedded engine is its name. */
  readonly program: string;
  /** `CONTAINER_CLI chooses it`. */
  readonly reason: string;
  /** `1.28.2`; bt's own engine has none. */
  readonly version?: string;
  readonly capabilities: readonly Capability[];
}

/** What somebody has asked for. */
export interface WantedEngine {
  readonly name: EngineName;
  readonly program: string;
  /** Who says so: `CONTAINER_CLI`. */
  readonly from: string;
}

/** Tells what an engine can do here. */
export type Ask = (name: EngineName, program: string) => Promise<Probe>;

/**
 * The engine that the words choose, or else the first that works: the embedded one where nothing is run, buildah, podman, docker.
 * @throws BtError IMAGES_ENGINE_UNKNOWN, IMAGES_ENGINE_MISSING, IMAGES_ENGINE_DAEMON, IMAGES_ENGINE_UNABLE, IMAGES_ENGINE_NONE
 */
export async function chooseEngine(
  words: EngineWords,
  env: Readonly<Record<string, string | undefined>>,
  ask: Ask = (name, program) => probeEngine(name, program, env),
): Promise<EngineChoice> {
  const wanted = findWanted(words);
  if (wanted !== undefined) return decideWanted(wanted, await ask(wanted.name, wanted.program));
  if (words.runs === false) return chosen("embedded", "embedded", "the Dockerfile has no RUN");
  const tried: string[] = [];
  for (const name of engineNames.filter((known) => known !== "embedded")) {
    const probe = await ask(name, name);
    if (probe.kind === "usable") return chosen(name, name, `the first that works of ${runners}`, probe);
    tried.push(`${name}: ${explainProbe(probe)}`);
  }
  throw engineNone(tried);
}

const runners = engineNames.filter((name) => name !== "embedded").join(", ");

/**
 * Who asks for which engine. Undefined: nobody does.
 * @throws BtError IMAGES_ENGINE_UNKNOWN
 */
export function findWanted(words: EngineWords): WantedEngine | undefined {
  const candidates: readonly (readonly [string | undefined, string])[] = [
    [words.engine, "The engine option"],
    [words.kubevirtCri, "KUBEVIRT_CRI"],
    [words.containerCli, "CONTAINER_CLI"],
    [words.docker, "DOCKER"],
    [words.builderfile, "The builderfile"],
    [words.settings?.engine, "The engine of your settings"],
  ];
  for (const [word = "", from] of candidates) {
    if (word.trim() === "") continue;
    const program = word.trim();
    const last = program.slice(program.lastIndexOf("/") + 1);
    const name = engineNames.find((known) => known === last);
    if (name === undefined) throw engineUnknown(last, from);
    return { name, program, from };
  }
  return undefined;
}

/** The choice that somebody has asked for, from what the engine can do here. */
function decideWanted({ name, program, from }: WantedEngine, probe: Probe): EngineChoice {
  switch (probe.kind) {
    case "usable":
      return chosen(name, program, `${from} chooses it`, probe);
    case "missing":
      throw engineMissing(name, program, from);
    case "no-daemon":
      throw daemonUnreachable(probe.address, from);
    case "unable":
      throw engineUnable(program, from, probe.reason);
  }
}

/**
 * What `bt --doctor` lists: every engine with what is there, the chosen one with the reason. A choice that is not possible is no failure
 * here: the engine that was asked for is then required.
 */
export async function describeEngines(
  words: EngineWords,
  env: Readonly<Record<string, string | undefined>>,
  ask: Ask = (name, program) => probeEngine(name, program, env),
): Promise<readonly Requirement[]> {
  const wanted = findWanted(words);
  const choice = await chooseEngine(words, env, ask).catch(() => undefined);
  const requirements: Requirement[] = [];
  for (const name of engineNames.filter((known) => known !== "embedded" || choice?.name === known)) {
    const program = wanted?.name === name ? wanted.program : name;
    const probe = await ask(name, program);
    const reason = choice?.name === name ? `; chosen: ${choice.reason}` : "";
    const isThere = probe.kind === "usable";
    requirements.push({
      name,
      plugin: "images",
      isRequired: choice === undefined ? wanted === undefined || wanted.name === name : choice.name === name,
      install: probe.kind === "missing" || isThere ? packagesOf(name) : explainProbe(probe),
      ...(isThere ? { found: `${probe.version ?? "part of bt"}${reason}` } : {}),
    });
  }
  return requirements;
}

function chosen(name: EngineName, program: string, reason: string, probe?: Probe): EngineChoice {
  const found = probe?.kind === "usable" ? probe : { capabilities: [] };
  const { version } = found as { version?: string };
  return { name, program, reason, capabilities: found.capabilities, ...(version === undefined ? {} : { version }) };
}

function explainProbe(probe: Probe): string {
  switch (probe.kind) {
    case "usable":
      return "works";
    case "missing":
      return "not installed";
    case "no-daemon":
      return `no daemon answers at "${probe.address}"`;
    case "unable":
      return probe.reason;
  }
}
