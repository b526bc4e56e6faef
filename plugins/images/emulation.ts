/** How commands of a foreign architecture are run: not at all, by the host's table, or in a namespace with a table of its own. Does not know images. */
import type { Arch, Command } from "../../core/index.ts";
import { emulationMissing, emulationOff, emulationUnhandled, type Obstacle } from "./emulation-errors.ts";
import type { EngineName } from "./engine-name.ts";
import { readMachine, rulePath, type Machine } from "./machine.ts";
import { namespaceEnv, namespaceWords } from "./namespace-script.ts";

/** What a user may ask for. `auto`: the host's table if it can, else a namespace. */
export type EmulationMode = "auto" | "none" | "host" | "userns";

/** What is done about foreign architectures. */
export type Emulation =
  | { readonly kind: "none" }
  | { readonly kind: "host" }
  | {
      readonly kind: "userns";
      /** Those that are registered; sorted. */
      readonly arches: readonly Arch[];
    };

/** A program with its words and its environment. */
export type Started = Pick<Command, "file" | "args" | "env">;

/** On what the decision depends. */
export interface EmulationOptions {
  readonly mode: EmulationMode;
  readonly engine: EngineName;
  readonly machine: Machine;
}

/**
 * How commands of these architectures can be run here. Looks at the machine only if one of them is foreign.
 * @throws BtError IMAGES_EMULATION_OFF, IMAGES_EMULATION_UNHANDLED, IMAGES_EMULATION_MISSING
 */
export async function chooseEmulation(
  arches: readonly Arch[],
  mode: EmulationMode,
  engine: EngineName,
): Promise<Emulation> {
  return decideEmulation(arches, { mode, engine, machine: await readMachine(arches) });
}

/** The same decision, from facts. */
export function decideEmulation(arches: readonly Arch[], { mode, engine, machine }: EmulationOptions): Emulation {
  const foreign = [...new Set(arches)].filter((arch) => !isNative(arch, machine.host)).sort();
  if (foreign.length === 0 || engine === "embedded") return { kind: "none" };
  if (mode === "none") throw emulationOff(foreign, machine.host);
  const unhandled = machine.kernel === undefined ? [] : foreign.filter((arch) => !machine.handled.includes(arch));
  if (unhandled.length === 0 && mode !== "userns") return { kind: "host" };
  if (mode === "host" || engine === "docker") throw emulationUnhandled(unhandled, engine);
  const obstacle = findObstacle(foreign, machine);
  if (obstacle !== undefined) throw emulationMissing(foreign, obstacle);
  return { kind: "userns", arches: foreign };
}

/** What keeps a namespace from doing it. Undefined: nothing. */
function findObstacle(
  foreign: readonly Arch[],
  { kernel = "", isRoot, rules, missing }: Machine,
): Obstacle | undefined {
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  const without = foreign.filter((arch) => !rules.includes(arch));
  if (major < 6 || (major === 6 && minor < 7)) return { kind: "kernel", release: kernel };
  if (without.length > 0) return { kind: "rule", arches: without };
  if (missing.length > 0) return { kind: "program", names: missing };
  return isRoot ? undefined : { kind: "user" };
}

/** Whether the processor itself runs it. Debian leaves out the same emulators: 386 on amd64, arm on arm64. */
export function isNative(arch: Arch, host: Arch): boolean {
  if (arch === host) return true;
  if (host === "amd64") return arch === "386";
  return (host === "arm64" || host === "arm/v7") && arch.startsWith("arm/");
}

/**
 * The same command so that foreign programs run in it. In a namespace it replaces the shell that enters it: terminal, exit code and
 * signals are its own, and what it mounts goes away with it.
 */
export function wrapCommand(command: Started, emulation: Emulation): Started {
  if (emulation.kind !== "userns") return command;
  const [file = "", ...words] = namespaceWords;
  const rules = new Set(emulation.arches.map(rulePath));
  return {
    file,
    args: [...words, ...rules, "--", command.file, ...command.args],
    // Without the last one a layer with an opaque folder cannot be unpacked.
    env: { ...command.env, ...namespaceEnv, _CONTAINERS_USERNS_CONFIGURED: "done" },
  };
}
