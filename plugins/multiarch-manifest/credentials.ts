/** Who bt is at a registry: auth files and credential helpers. Secrets stay in the returned value; messages name files, never contents. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { authFileMalformed, authFileMissing, helperFailed } from "./registry-errors.ts";

/** A login and where it was found. */
export interface Credentials {
  readonly kind: "password" | "identity-token";
  /** Empty for identity tokens. */
  readonly user: string;
  readonly secret: string;
  /** Path of the auth file, for messages. */
  readonly file: string;
  /** Program that the file names and that gave the login. Absent: it stands in the file. */
  readonly helper?: string;
}

/** Where to look. */
export interface CredentialsOptions {
  /** Path of the only file to use. Default: the usual places of containers and Docker, first hit wins. */
  readonly authFile?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface AuthFile {
  readonly auths?: Readonly<
    Record<
      string,
      {
        readonly auth?: string;
        readonly username?: string;
        readonly password?: string;
        readonly identitytoken?: string;
      }
    >
  >;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/**
 * The login for a repository. Undefined: none, requests are anonymous.
 * @throws BtError REGISTRY_AUTH_FILE_MISSING for a file that was named, REGISTRY_AUTH_FILE_MALFORMED, REGISTRY_HELPER_FAILED
 */
export async function findCredentials(
  host: string,
  repository: string,
  options: CredentialsOptions,
): Promise<Credentials | undefined> {
  for (const file of await authFiles(options)) {
    const found = await findInFile(file, { host, repository, env: options.env });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The auth files that are asked, in order. @throws BtError REGISTRY_AUTH_FILE_MISSING */
export async function authFiles(options: CredentialsOptions): Promise<readonly string[]> {
  const { env } = options;
  const named = options.authFile || env["REGISTRY_AUTH_FILE"];
  if (named) {
    if ((await readFile(named).catch(() => undefined)) === undefined)
      throw authFileMissing(named, options.authFile ? "authFile" : "REGISTRY_AUTH_FILE");
    return [named];
  }
  const home = env["HOME"] ?? homedir();
  return [
    ...(env["XDG_RUNTIME_DIR"] ? [join(env["XDG_RUNTIME_DIR"], "containers", "auth.json")] : []),
    join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "containers", "auth.json"),
    join(env["DOCKER_CONFIG"] || join(home, ".docker"), "config.json"),
    join(home, ".dockercfg"),
  ];
}

interface Wanted {
  readonly host: string;
  readonly repository: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

async function findInFile(file: string, wanted: Wanted): Promise<Credentials | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined || text.trim() === "") return undefined;
  const parsed = parseAuthFile(file, text);
  const helper = Object.entries(parsed.credHelpers ?? {}).find(([key]) => sameHost(key, wanted.host));
  if (helper !== undefined) return askHelper(helper[1], helper[0], { file, env: wanted.env });
  const auths = Object.entries(parsed.auths ?? {}).map(([key, value]) => ({ key: normalise(key), value }));
  for (const name of candidates(wanted)) {
    const match = auths.find(({ key, value }) => key === name && Object.keys(value).length > 0);
    if (match !== undefined) return decode(file, match.value);
  }
  if (parsed.credsStore === undefined || parsed.credsStore === "") return undefined;
  const server = isHub(wanted.host) ? "https://index.docker.io/v1/" : wanted.host;
  return askHelper(parsed.credsStore, server, { file, env: wanted.env });
}

/** `host/ns/repo`, `host/ns`, `host`: the most exact first. */
function candidates(wanted: Wanted): readonly string[] {
  const parts = [isHub(wanted.host) ? "docker.io" : wanted.host, ...wanted.repository.split("/")];
  return parts.map((_, n) => parts.slice(0, parts.length - n).join("/"));
}

/** Legacy keys are URLs; Docker Hub has several names. */
function normalise(key: string): string {
  const plain = key.replace(/^https?:\/\//, "").replace(/\/(v1|v2)?\/?$/, "");
  const [host = "", ...rest] = plain.split("/");
  return [isHub(host) ? "docker.io" : host, ...rest].join("/");
}

function isHub(host: string): boolean {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host);
}

function sameHost(key: string, host: string): boolean {
  return normalise(key) === (isHub(host) ? "docker.io" : host);
}

function parseAuthFile(file: string, text: string): AuthFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message may quote the file, so it is no cause.
    throw authFileMalformed(file);
  }
  if (typeof value !== "object" || value === null) throw authFileMalformed(file);
  return file.endsWith(".dockercfg") ? { auths: value as NonNullable<AuthFile["auths"]> } : (value as AuthFile);
}

function decode(file: string, entry: NonNullable<AuthFile["auths"]>[string]): Credentials {
  if (entry.identitytoken) return { kind: "identity-token", user: "", secret: entry.identitytoken, file };
  if (entry.auth === undefined)
    return { kind: "password", user: entry.username ?? "", secret: entry.password ?? "", file };
  const pair = Buffer.from(entry.auth, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon === -1) throw authFileMalformed(file);
  return { kind: "password", user: pair.slice(0, colon), secret: pair.slice(colon + 1).replace(/\0+$/, ""), file };
}

/** The helper protocol: server name on stdin, JSON on stdout. */
async function askHelper(
  name: string,
  server: string,
  facts: { readonly file: string; readonly env: Readonly<Record<string, string | undefined>> },
): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const { code, stdout } = await runHelper(program, server, facts.env);
  if (code !== 0 && /credentials not found|no credentials/i.test(stdout)) return undefined;
  const answer = code === 0 ? parseAnswer(stdout) : undefined;
  if (answer === undefined) throw helperFailed(program, server, code);
  if (answer.Username === "<token>")
    return { kind: "identity-token", user: "", secret: answer.Secret, file: facts.file, helper: program };
  return { kind: "password", user: answer.Username, secret: answer.Secret, file: facts.file, helper: program };
}

function runHelper(
  program: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number | undefined; stdout: string }> {
  return new Promise((resolve) => {
    const helper = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], env: { ...env } });
    let stdout = "";
    helper.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
    helper.stdin.on("error", () => undefined).end(server);
    helper.on("error", () => resolve({ code: undefined, stdout: "" }));
    helper.on("close", (code) => resolve({ code: code ?? 1, stdout }));
  });
}

function parseAnswer(stdout: string): { Username: string; Secret: string } | undefined {
  try {
    const answer = JSON.parse(stdout) as { Username?: unknown; Secret?: unknown };
    if (typeof answer.Username !== "string" || typeof answer.Secret !== "string") return undefined;
    return { Username: answer.Username, Secret: answer.Secret };
  } catch {
    return undefined;
  }
}
