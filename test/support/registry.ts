/** The real docker-registry on a free loopback port, for one test: plain, read-only, with logins, with TLS. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./temporary.ts";
import { run } from "./tool.ts";

/** How to start it. */
export interface RegistryFacts {
  /** Keeps what was stored; default: a new folder. */
  readonly dir?: string;
  readonly readOnly?: boolean;
  /** Path of an htpasswd file. */
  readonly htpasswd?: string;
  /** `auth.token` of its configuration. */
  readonly token?: {
    readonly realm: string;
    readonly service: string;
    readonly issuer: string;
    readonly rootcertbundle: string;
  };
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** A running registry. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  /** All it has written so far. */
  readonly log: () => string;
  /** Ends it and starts it again on the same port with the same content. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts a registry that ends with the test. Its environment is clean: it takes every REGISTRY_ variable as configuration. */
export async function startRegistry(facts: RegistryFacts = {}): Promise<TestRegistry> {
  const folder = await temporaryFolder();
  const dir = facts.dir ?? join(folder, "store");
  const port = await freePort();
  const file = join(folder, "registry.json");
  await writeFile(file, JSON.stringify(configOf(facts, { dir, port })));
  let log = "";
  let child = await launch(file, (text) => (log += text));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  onTestFinished(stop);
  const restart = async (): Promise<void> => {
    await stop();
    child = await launch(file, (text) => (log += text));
  };
  return { host: `127.0.0.1:${port}`, port, dir, log: () => log, restart, stop };
}

/** An htpasswd file with `baker` and the password `crumb`. */
export async function writeHtpasswd(): Promise<string> {
  const file = join(await temporaryFolder(), "htpasswd");
  await writeFile(file, await run("htpasswd", ["-Bbn", "baker", "crumb"]));
  return file;
}

/** An auth file for `key` (a host, or a host and a namespace). */
export async function writeAuthFile(key: string, login = "baker:crumb"): Promise<string> {
  const file = join(await temporaryFolder(), "auth.json");
  await writeFile(file, JSON.stringify({ auths: { [key]: { auth: Buffer.from(login).toString("base64") } } }));
  return file;
}

/** A self-signed certificate for 127.0.0.1 and its key. */
export async function writeCertificate(): Promise<{ certificate: string; key: string }> {
  const dir = await temporaryFolder();
  const certificate = join(dir, "tls.crt");
  const key = join(dir, "tls.key");
  const request = [
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "30",
    "-subj",
    "/CN=oven",
    "-keyout",
    key,
    "-out",
    certificate,
  ];
  await run("openssl", [...request, "-addext", "subjectAltName=IP:127.0.0.1"]);
  return { certificate, key };
}

/** A port on which nobody listens, below those that the system gives away: there no connection of another test takes it meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

function configOf(facts: RegistryFacts, place: { readonly dir: string; readonly port: number }): object {
  return {
    version: "0.1",
    log: { level: "info" },
    storage: {
      filesystem: { rootdirectory: place.dir },
      delete: { enabled: true },
      ...(facts.readOnly === true && { maintenance: { readonly: { enabled: true } } }),
    },
    http: { addr: `127.0.0.1:${place.port}`, ...(facts.tls && { tls: facts.tls }) },
    ...(facts.htpasswd !== undefined && { auth: { htpasswd: { realm: "bt", path: facts.htpasswd } } }),
    ...(facts.token && { auth: { token: facts.token } }),
  };
}

async function launch(file: string, write: (text: string) => void): Promise<ChildProcess> {
  const child = spawn("docker-registry", ["serve", file], {
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let early = "";
  await new Promise<void>((resolve, reject) => {
    const read = (data: Buffer): void => {
      write(data.toString());
      early += data.toString();
      if (early.includes("listening on")) resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", reject).on("exit", () => reject(new Error(early)));
  });
  return child;
}
