/** The config of an image while its Dockerfile is obeyed: what each instruction changes in it. Pure; does not know files or layers. */
import { parsePlatform, type Arch } from "../../core/index.ts";
import type { ImageConfig } from "../multiarch-manifest/index.ts";
import type { Healthcheck } from "./healthcheck.ts";
import type { Command, Instruction } from "./instruction.ts";
import { expandIn, type Scope } from "./scope.ts";
import { joinAbsolute } from "./tree.ts";
import { splitPlain } from "./word.ts";

/** What an engine needs to run an image; the last four are Docker's. */
interface RunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Healthcheck?: Healthcheck;
  readonly OnBuild?: readonly string[];
  readonly Shell?: readonly string[];
}

/** A whole config document. */
export interface ImageDocument extends Omit<ImageConfig, "config"> {
  readonly author?: string;
  readonly config: RunConfig;
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const defaultShell = ["/bin/sh", "-c"];

/** The config of `FROM scratch`. */
export function createDocument(platform: Arch): ImageDocument {
  const { goarch, variant } = parsePlatform(platform);
  const config = { Env: [defaultPath] };
  return {
    architecture: goarch,
    os: "linux",
    ...(variant === undefined ? {} : { variant }),
    config,
    rootfs: { type: "layers", diff_ids: [] },
    history: [],
  };
}

/** The config of a stage on top of an image; its triggers are left out, because the stage obeys them. */
export function inheritDocument(base: ImageConfig): ImageDocument {
  const { architecture, os, variant, rootfs, history = [] } = base;
  const { OnBuild: _, ...config } = (base.config ?? {}) as RunConfig;
  const author = (base as { author?: string }).author;
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(author === undefined ? {} : { author }),
    config,
    rootfs: { type: "layers", diff_ids: rootfs.diff_ids },
    history,
  };
}

/** The triggers of an image. */
export function triggersOf(config: ImageConfig): readonly string[] {
  return (config.config as RunConfig | undefined)?.OnBuild ?? [];
}

/** Variables of the config, in order. */
export function envOf({ config }: ImageDocument): ReadonlyMap<string, string> {
  return new Map(
    (config.Env ?? []).map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
  );
}

/** The config after an instruction that changes no file, or that does both. `scope` is the one before the instruction, for ENV the one after. */
export function changeConfig(
  document: ImageDocument,
  instruction: Instruction,
  options: { readonly scope: Scope; readonly keepsCmd: boolean },
): ImageDocument {
  const { config } = document;
  const replaced = (text: string): string => expandIn(options.scope, text, instruction.at);
  const set = (change: RunConfig): ImageDocument => ({ ...document, config: { ...config, ...change } });
  switch (instruction.kind) {
    case "env":
      return set({ Env: [...options.scope.env].map(([name, value]) => `${name}=${value}`) });
    case "label":
      return set({
        Labels: addLabels(
          config.Labels,
          Object.fromEntries(instruction.pairs.map(({ name, value = "" }) => [replaced(name), replaced(value)])),
        ),
      });
    case "workdir":
      return set({ WorkingDir: joinAbsolute(config.WorkingDir, replaced(instruction.value)) });
    case "user":
      return set({ User: replaced(instruction.value) });
    case "stopsignal":
      return set({ StopSignal: replaced(instruction.value) });
    case "expose":
      return set({
        ExposedPorts: {
          ...config.ExposedPorts,
          ...keySet(instruction.values.flatMap((value) => splitPlain(replaced(value)).flatMap(portsOf))),
        },
      });
    case "volume":
      return set({ Volumes: { ...config.Volumes, ...keySet(instruction.values.map(replaced)) } });
    case "cmd":
      return set({ Cmd: renderCommand(instruction.command, config) });
    case "entrypoint": {
      // An inherited CMD was written for the inherited ENTRYPOINT.
      const { Cmd, ...rest } = config;
      const kept = options.keepsCmd && Cmd !== undefined ? { Cmd } : {};
      return { ...document, config: { ...rest, ...kept, Entrypoint: renderCommand(instruction.command, config) } };
    }
    case "shell":
      return set({ Shell: instruction.words });
    case "healthcheck":
      return set({ Healthcheck: { ...instruction.check } });
    case "onbuild":
      return set({ OnBuild: [...(config.OnBuild ?? []), instruction.value] });
    case "maintainer":
      return { ...document, author: instruction.value };
    case "from":
    case "copy":
    case "add":
    case "run":
    case "arg":
      return document;
  }
}

/** The config with one more line of history, and with the layer when there is one. */
export function addHistory(
  document: ImageDocument,
  line: { readonly created: string; readonly text: string; readonly diffId?: string },
): ImageDocument {
  const { created, text, diffId } = line;
  const history = [
    ...(document.history ?? []),
    { created, created_by: text, ...(diffId === undefined ? { empty_layer: true } : {}) },
  ];
  if (diffId === undefined) return { ...document, history };
  return { ...document, history, rootfs: { type: "layers", diff_ids: [...document.rootfs.diff_ids, diffId] } };
}

/** The document as it is stored: fields in one order, maps sorted, empty lists and maps left out. */
export function renderDocument(
  document: ImageDocument,
  created: string,
  labels: Readonly<Record<string, string>> = {},
): string {
  const { author, architecture, os, variant, config, rootfs, history } = document;
  const { ExposedPorts, Volumes, Labels, Entrypoint = [], Cmd = [], ...rest } = config;
  const commands = {
    Entrypoint: Entrypoint.length === 0 ? undefined : Entrypoint,
    Cmd: Cmd.length === 0 ? undefined : Cmd,
  };
  const maps = {
    ExposedPorts: sorted(ExposedPorts),
    Volumes: sorted(Volumes),
    Labels: sorted(addLabels(Labels, labels)),
  };
  const all = { ...rest, ...commands, ...maps };
  return JSON.stringify({ created, author, architecture, os, variant, config: all, rootfs, history });
}

function addLabels(
  before: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return { ...before, ...labels };
}

function renderCommand(command: Command, { Shell = defaultShell }: RunConfig): readonly string[] {
  if (command.form === "exec") return command.words;
  return command.line === "" ? [] : [...Shell, command.line];
}

/** `80` is `80/tcp`; `8000-8002/udp` is three ports. */
function portsOf(text: string): readonly string[] {
  const [range = "", protocol = "tcp"] = text.split("/");
  const [first = "", last = first] = range.split("-");
  const [from, to] = [Number(first), Number(last)];
  if (!Number.isInteger(from) || !Number.isInteger(to) || to - from > 65535 || to < from)
    return [`${range}/${protocol.toLowerCase()}`];
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`);
}

function keySet(keys: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

/** Undefined when there is nothing in it: JSON then leaves it out. */
function sorted<V>(map: Readonly<Record<string, V>> | undefined): Readonly<Record<string, V>> | undefined {
  const entries = Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
