/** Servers for caches: nginx as a plain server of files, and stores of the plugin without a run around them. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Blob, CachedResult, CacheStore, BoundHooks } from "../../../core/index.ts";
import { remoteCache, type RemoteCacheOptions } from "../../../plugins/remote-cache/index.ts";
import { freePort } from "../../support/registry.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run } from "../../support/tool.ts";

/** A running nginx. */
export interface Nginx {
  /** `http://127.0.0.1:PORT/bt`. */
  readonly url: string;
  readonly host: string;
  /** What is below `url`, on disk. */
  readonly dir: string;
  /** `METHOD /path STATUS` of every request so far. */
  readonly seen: () => readonly string[];
}

/** How nginx guards its files. */
export interface NginxFacts {
  /** Who may write, by the first part of the path below `url`. Default: everybody everywhere. */
  readonly writers?: Readonly<Record<string, string>>;
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Debian's nginx as docs/caches.md sets it up, on a free loopback port until the test ends. */
export async function startNginx(facts: NginxFacts = {}): Promise<Nginx> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const dir = join(folder, "files/bt");
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(join(folder, "nginx.conf"), await renderConf(folder, port, facts));
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")], {
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  await untilOpen(port, ended);
  const seen = (): readonly string[] => fs.readFileSync(join(folder, "access.log"), "utf8").split("\n").slice(0, -1);
  const scheme = facts.tls === undefined ? "http" : "https";
  return { url: `${scheme}://127.0.0.1:${port}/bt`, host: `127.0.0.1:${port}`, dir, seen };
}

async function renderConf(folder: string, port: number, { writers = {}, tls }: NginxFacts): Promise<string> {
  const rules: string[] = [];
  for (const [part, login] of Object.entries(writers)) {
    const file = join(folder, `${part}.htpasswd`);
    const [user = "", password = ""] = login.split(":");
    fs.writeFileSync(file, await run("htpasswd", ["-nbm", user, password]));
    rules.push(`location /bt/${part}/ { dav_methods PUT; create_full_put_path on;
      limit_except GET { auth_basic "bt"; auth_basic_user_file ${file}; } }`);
  }
  const open = `location /bt/ { ${Object.keys(writers).length === 0 ? "dav_methods PUT; create_full_put_path on;" : ""} }`;
  const paths = ["body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => {
    const directive = name === "body" ? "client_body_temp_path" : `${name}_temp_path`;
    return `${directive} ${folder}/${name};`;
  });
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log; ${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 256; }
http {
  log_format short "$request_method $uri $status"; access_log ${folder}/access.log short;
  ${paths.join(" ")}
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl"};
    ${tls === undefined ? "" : `ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};`}
    root ${folder}/files; client_max_body_size 0;
    ${open}
    ${rules.join("\n    ")}
  }
}
`;
}

/** Resolves as soon as somebody listens; rejects when the server has ended instead. */
async function untilOpen(port: number, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!isOver) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("nginx has ended");
}

/** A store as a run gets it, and what it has warned of. */
export interface TestStore {
  readonly store: CacheStore;
  readonly warnings: readonly string[];
}

/** The store that the plugin adds in this environment. */
export function openStore(options: RemoteCacheOptions, env: Readonly<Record<string, string>> = {}): TestStore {
  const warnings: string[] = [];
  let stores: readonly CacheStore[] = [];
  const ignore = { tap: () => undefined };
  const cache = {
    tap: (fn: Parameters<BoundHooks["cache"]["tap"]>[0]) => {
      stores = fn([], { env, warn: (text) => void warnings.push(text) });
    },
  };
  const hooks = new Proxy({ cache }, { get: (own, name) => (name === "cache" ? own.cache : ignore) });
  remoteCache(options).apply?.(hooks as unknown as BoundHooks); // The plugin taps cache, tasks and doctor only.
  const [store] = stores;
  if (store === undefined) throw new Error("the plugin has added no store");
  onTestFinished(() => store.close?.());
  return { store, warnings };
}

/** A name for bytes. */
export function blobOf(content: string | Buffer): Blob {
  const bytes = Buffer.from(content);
  return { digest: createHash("sha256").update(bytes).digest("hex"), size: bytes.length };
}

/** A result whose outputs are these files, and all bytes that it needs. */
export interface TestResult {
  readonly result: CachedResult;
  readonly contents: ReadonlyMap<string, Buffer>;
}

/** A result of the key of `document`. */
export function resultOf(document: string, files: Readonly<Record<string, string>>, log = "baked\n"): TestResult {
  const contents = new Map(
    [document, log, ...Object.values(files)].map((text) => [blobOf(text).digest, Buffer.from(text)]),
  );
  const outputs = Object.entries(files).map(([path, text]) => {
    return { path, kind: "file" as const, mode: path.startsWith("bin/") ? 0o755 : 0o644, blob: blobOf(text) };
  });
  const facts = { durationMs: 1, madeMs: 2, by: "1.0.0" };
  const named = { v: 1 as const, key: blobOf(document).digest, task: "bake", document: blobOf(document) };
  return { result: { ...named, outputs, log: blobOf(log), ...facts }, contents };
}

const patience = (): AbortSignal => AbortSignal.timeout(50_000);

/** Writes a result as core does: bytes that are missing, then the entry. */
export async function put(store: CacheStore, { result, contents }: TestResult): Promise<{ kept?: CachedResult }> {
  const blobs = [...contents].map(([digest, { length }]) => ({ digest, size: length }));
  for (const blob of await store.findMissing(blobs, patience()))
    await store.writeBlob(blob, () => chunksOf(contents.get(blob.digest)!), patience());
  return await store.writeResult(result, patience());
}

/** The result of a key with the bytes of its files. Undefined: a miss. */
export async function get(store: CacheStore, key: string): Promise<Readonly<Record<string, string>> | undefined> {
  const result = await store.findResult(key, patience());
  if (result === undefined) return undefined;
  const files: Record<string, string> = {};
  for (const { path, blob } of result.outputs) {
    const chunks = blob && (await store.readBlob(blob, patience()));
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks ?? []) parts.push(chunk);
    files[path] = Buffer.concat(parts).toString();
  }
  return files;
}

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 16) yield bytes.subarray(at, at + (1 << 16));
}
