/** Asks an engine whether it works here. Starts its program to read, once a process; builds nothing and decides nothing. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findTool } from "../../core/index.ts";
import type { EngineName } from "./engine-name.ts";

/** What an engine can besides building. `buildx`: the docker client has that plugin. */
export type Capability = "run" | "buildx";

/** What was found out. */
export type Probe =
  | { readonly kind: "usable"; readonly version?: string; readonly capabilities: readonly Capability[] }
  /** There is no such program. */
  | { readonly kind: "missing" }
  | { readonly kind: "no-daemon"; readonly address: string }
  /** It is there and fails. */
  | { readonly kind: "unable"; readonly reason: string };

type Environment = Readonly<Record<string, string | undefined>>;

const known = new Map<string, Promise<Probe>>();

/** What the engine says of itself; asked once for the same environment. */
export function probeEngine(name: EngineName, program: string, env: Environment): Promise<Probe> {
  const { PATH, HOME, DOCKER_HOST, DOCKER_CONTEXT } = env;
  const key = JSON.stringify([name, program, PATH, HOME, DOCKER_HOST, DOCKER_CONTEXT]);
  const probe = known.get(key) ?? askEngine(name, program, env);
  known.set(key, probe);
  return probe;
}

async function askEngine(name: EngineName, program: string, env: Environment): Promise<Probe> {
  if (name === "embedded") return { kind: "usable", capabilities: [] };
  if (!program.includes("/") && findTool(program, env["PATH"] ?? "") === undefined) return { kind: "missing" };
  const said = await ask(program, ["--version"], env);
  if ("missing" in said) return { kind: "missing" };
  if ("reason" in said) return { kind: "unable", reason: said.reason };
  const version = /\d+\.\d+(\.\d+)?/.exec(said.text)?.[0];
  const numbered = version === undefined ? {} : { version };
  if (name !== "docker") return { kind: "usable", ...numbered, capabilities: ["run"] };
  const server = await ask(program, ["version", "--format", "{{.Server.Version}}"], env);
  if (!("text" in server)) return { kind: "no-daemon", address: await findAddress(program, env) };
  const buildx = await ask(program, ["buildx", "version"], env);
  return { kind: "usable", version: server.text, capabilities: "text" in buildx ? ["run", "buildx"] : ["run"] };
}

/** Where the client looks for its daemon. */
async function findAddress(program: string, env: Environment): Promise<string> {
  const host = env["DOCKER_HOST"] ?? "";
  if (host !== "") return host;
  const said = await ask(program, ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], env);
  return "text" in said && said.text !== "" ? said.text : "unix:///var/run/docker.sock";
}

type Answer = { readonly text: string } | { readonly missing: true } | { readonly reason: string };

async function ask(program: string, words: readonly string[], env: Environment): Promise<Answer> {
  try {
    const { stdout } = await promisify(execFile)(program, words, { env: { ...env }, timeout: 10_000 });
    return { text: stdout.trim() };
  } catch (error) {
    const { code, stderr = "", message } = error as Error & { code?: unknown; stderr?: string };
    if (code === "ENOENT") return { missing: true };
    return { reason: stderr.trim().split("\n").at(-1) || message };
  }
}
