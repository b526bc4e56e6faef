/** Reads secrets from variables and files. They stay in the returned values; does not know what they open. */
import * as fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Secret } from "./options.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A login of one host. A user of "" has a token. */
export interface Login {
  readonly user: string;
  readonly secret: string;
  /** The variable or the file, for messages. */
  readonly source: string;
}

/** Whether the variable or the file is there. Its content is not looked at. */
export function hasSecret(secret: Secret, env: Environment): boolean {
  return "env" in secret ? (env[secret.env] ?? "") !== "" : fs.existsSync(secretPath(secret.file, env));
}

/** The whole secret. Undefined: it is not there, or empty. */
export function readSecret(secret: Secret, env: Environment): string | undefined {
  const text = "env" in secret ? env[secret.env] : readFile(secretPath(secret.file, env));
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

/** The login for `host`, with port, from a variable or a netrc file. Undefined: there is none. */
export function readLogin(secret: Secret, host: string, env: Environment): Login | undefined {
  const text = readSecret(secret, env);
  if (text === undefined) return undefined;
  if ("file" in secret) return findMachine(text, host, secret.file);
  const colon = text.indexOf(":");
  return { user: text.slice(0, Math.max(0, colon)), secret: text.slice(colon + 1), source: secret.env };
}

/** How a secret is called in messages. */
export function nameSecret(secret: Secret): string {
  return "env" in secret ? secret.env : secret.file;
}

/** `~/` is the home folder. */
export function secretPath(file: string, env: Environment): string {
  return file.startsWith("~/") ? join(env["HOME"] ?? homedir(), file.slice(2)) : file;
}

function readFile(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** As curl reads it: `machine HOST login USER password SECRET`, else `default`; HOST may have the port. */
function findMachine(text: string, host: string, file: string): Login | undefined {
  const words = text.replaceAll(/^\s*#.*$/gm, "").split(/\s+/);
  const name = host.replace(/:\d+$/, "");
  let found: Login | undefined;
  for (let at = 0; at < words.length; at++) {
    const isDefault = words[at] === "default";
    if (!isDefault && words[at] !== "machine") continue;
    const machine = isDefault ? undefined : words[++at];
    if (!isDefault && machine !== host && machine !== name) continue;
    const fields: Record<string, string> = {};
    while (["login", "password", "account"].includes(words[at + 1] ?? "")) fields[words[++at]!] = words[++at] ?? "";
    const { login = "", password } = fields;
    if (password !== undefined && (!isDefault || found === undefined))
      found = { user: login, secret: password, source: file };
    if (machine === host) return found;
  }
  return found;
}
