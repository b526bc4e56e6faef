/** Reads a Dicefile as data: the few lines that Dice's manual shows. Runs no Ruby, and does not know what the settings lead to. */
import type { Place } from "../../core/index.ts";
import { dicefileLine, dicefileSetting } from "./errors.ts";

/** What a Dicefile says. */
export interface Dicefile {
  readonly buildhost?: { readonly kind: "vagrant" | "docker" } | { readonly kind: "host"; readonly name: string };
  readonly sshUser?: string;
  readonly sshKey?: string;
}

const settings = ["buildhost", "ssh_user", "ssh_private_key"];

/**
 * The settings in `text`; variables of the environment only where the file names them.
 * @throws BtError KIWI_DICE_DICEFILE_LINE, KIWI_DICE_DICEFILE_SETTING
 */
export function parseDicefile(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Dicefile {
  let found: Dicefile = {};
  let variable: string | undefined;
  for (const [at, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    const place: Place = { where: file, line: at + 1 };
    const refuse = (): never => {
      throw dicefileLine(place, line, replacement(found));
    };
    if (line === "" || line.startsWith("#")) continue;
    const opened = /^Dice\.configure\s+do\s*\|\s*([a-z_]\w*)\s*\|\s*(#.*)?$/.exec(line);
    if (opened !== null) {
      if (variable !== undefined) refuse();
      variable = opened[1];
      continue;
    }
    if (variable === undefined) refuse();
    if (/^end\s*(#.*)?$/.test(line)) {
      variable = undefined;
      continue;
    }
    const [, name = "", setting = "", value = ""] = /^(\w+)\.(\w+)\s*=(?!=)\s*(.+)$/.exec(line) ?? refuse();
    if (name !== variable) refuse();
    if (!settings.includes(setting)) throw dicefileSetting(place, setting, settings);
    const parsed = parseValue(value, env);
    if (parsed === undefined) refuse();
    else found = { ...found, ...toSetting(setting, parsed, refuse) };
  }
  return found;
}

type Value = { readonly text: string } | { readonly symbol: string };

function toSetting(name: string, value: Value, refuse: () => never): Dicefile {
  if ("symbol" in value) {
    if (name !== "buildhost") return refuse();
    return { buildhost: { kind: value.symbol === "DOCKER" ? "docker" : "vagrant" } };
  }
  if (name === "buildhost") return { buildhost: { kind: "host", name: value.text } };
  return name === "ssh_user" ? { sshUser: value.text } : { sshKey: value.text };
}

const double = /^"((?:[^"\\#]|\\["\\]|#(?!\{))*)"/;
const single = /^'([^'\\]*)'/;
const rest = /^\s*(#.*)?$/;

/** Undefined: something else than a value. */
function parseValue(text: string, env: Readonly<Record<string, string | undefined>>): Value | undefined {
  const symbol = /^:(VAGRANT|DOCKER)(?!\w)/.exec(text);
  if (symbol !== null) return rest.test(text.slice(symbol[0].length)) ? { symbol: symbol[1] ?? "" } : undefined;
  const plain = parseText(text);
  if (plain !== undefined) return rest.test(text.slice(plain.length)) ? { text: plain.text } : undefined;
  const joined = /^File\.join\(\s*/.exec(text);
  if (joined === null) return undefined;
  const parts: string[] = [];
  for (let left = text.slice(joined[0].length); ;) {
    const part = parseText(left) ?? parseEnv(left, env);
    if (part === undefined) return undefined;
    parts.push(part.text);
    left = left.slice(part.length).trimStart();
    if (left.startsWith(")")) return rest.test(left.slice(1)) ? { text: joinParts(parts) } : undefined;
    if (!left.startsWith(",")) return undefined;
    left = left.slice(1).trimStart();
  }
}

interface Part {
  readonly text: string;
  /** Characters of the source. */
  readonly length: number;
}

function parseText(text: string): Part | undefined {
  const doubled = double.exec(text);
  if (doubled !== null) return { text: (doubled[1] ?? "").replaceAll(/\\(["\\])/g, "$1"), length: doubled[0].length };
  const singled = single.exec(text);
  return singled === null ? undefined : { text: singled[1] ?? "", length: singled[0].length };
}

function parseEnv(text: string, env: Readonly<Record<string, string | undefined>>): Part | undefined {
  const named = /^ENV\[\s*(?:"(\w+)"|'(\w+)')\s*\]/.exec(text);
  return named === null ? undefined : { text: env[named[1] ?? named[2] ?? ""] ?? "", length: named[0].length };
}

/** As Ruby's File.join: exactly one slash between two parts. */
function joinParts(parts: readonly string[]): string {
  return parts
    .map((part, at) => {
      const start = at === 0 ? part : part.replace(/^\/+/, "");
      return at === parts.length - 1 ? start : start.replace(/\/+$/, "");
    })
    .join("/");
}

/** The builderfile's text for what was understood. */
function replacement({ buildhost, sshUser, sshKey }: Dicefile): string {
  const host = (): string => {
    if (buildhost === undefined) return sshUser === undefined && sshKey === undefined ? `{ kind: "local" }` : vagrant;
    if (buildhost.kind !== "host")
      return buildhost.kind === "docker" ? `{ kind: "docker", image: "IMAGE@sha256:…" }` : vagrant;
    const [user, key] = [JSON.stringify(sshUser ?? "vagrant"), JSON.stringify(sshKey ?? "…")];
    return `{ kind: "ssh", host: ${JSON.stringify(buildhost.name)}, user: ${user}, key: ${key}, knownHosts: "…" }`;
  };
  return `kiwiDice({ recipes: { NAME: { recipe: "FOLDER", buildhost: ${host()} } } })`;
}

const vagrant = `{ kind: "vagrant" }`;
