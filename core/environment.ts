/** The environment that a task's processes get: an allow-list, its declared variables, its params. Pure; does not know processes. */
import { variableName } from "./params.ts";
import type { Node } from "./graph.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reaches every task and enters no key: where programs and people's settings are, locale, proxies, colours. */
const passed = new Set(
  "PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TERM TMPDIR CI NO_COLOR FORCE_COLOR SSH_AUTH_SOCK XDG_RUNTIME_DIR XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS".split(
    " ",
  ),
);

/** The variables that every task gets. `SHLVL` keeps a bash with a socket as input from reading the user's ~/.bashrc, as it does below sshd. */
export function passedEnvironment(env: Environment): Readonly<Record<string, string>> {
  const result: Record<string, string> = { SHLVL: "1" };
  for (const [name, value] of Object.entries(env))
    if (value !== undefined && (passed.has(name) || name.startsWith("LC_"))) result[name] = value;
  return result;
}

/** Variables for the processes of a node, beside those that every task gets. */
export function taskEnvironment(node: Node, env: Environment): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of declaredVariables(node, env)) if (value !== undefined) result[name] = value;
  for (const [name, { value }] of Object.entries(node.params)) {
    const declared = node.task.params?.[name];
    if (declared !== undefined && value !== undefined) result[variableName(name, declared)] = paramText(value);
  }
  return result;
}

/** Names that make and its like set for their children: bt writes its own, and none of them enters a key. */
const ofMake = new Set(
  "MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES GNUMAKEFLAGS CARGO_MAKEFLAGS MAKE_TERMOUT MAKE_TERMERR BT_STACK BT_LEVEL".split(
    " ",
  ),
);

/** Tells a bt below which tasks run above it. */
export function nestedEnvironment(env: Environment, root: string, id: string): Readonly<Record<string, string>> {
  const stack = [...runningAbove(env), stackEntry(root, id)];
  return { BT_STACK: stack.join("\n"), BT_LEVEL: String(stack.length) };
}

/** Tasks of all projects whose run has started this bt, the outermost first. */
export function runningAbove({ BT_STACK: stack = "" }: Environment): readonly string[] {
  return stack === "" ? [] : stack.split("\n");
}

/** A task of a project, as BT_STACK names it. */
export function stackEntry(root: string, id: string): string {
  return `${root}#${id}`;
}

/** The variables that a task declares, with their values now; `NAME=value` gives one. */
export function declaredVariables(
  node: Node,
  env: Environment,
): readonly (readonly [name: string, value: string | undefined])[] {
  return (node.task.env ?? []).flatMap((declared) => {
    const at = declared.indexOf("=");
    if (at !== -1) return [[declared.slice(0, at), declared.slice(at + 1)] as const];
    return ofMake.has(declared) ? [] : [[declared, env[declared]] as const];
  });
}

/** A param's value as commands and keys see it: lists joined by blanks. */
export function paramText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(" ");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
