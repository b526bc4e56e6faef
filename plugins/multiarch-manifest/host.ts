/** Finds out how a host is spoken to: scheme, certificates, challenge. Keeps that for the run; does not know what is asked for. */
import { connect as connectTls } from "node:tls";
import { parseChallenge, type Challenge, type Token } from "./auth.ts";
import type { Credentials } from "./credentials.ts";
import { closeConnection, createConnection, dropBody, send, type Connection } from "./http.ts";
import { findProxy } from "./proxy.ts";
import { findEndpoint, loadRegistriesConf, type RegistriesConf } from "./registries-conf.ts";
import { certificateRefused, registryPlain, registryStrange, registryUnreachable } from "./registry-errors.ts";
import { isCertificateError, isPassing, isPassingStatus, isPlainSign, isRefusal, maxTries, pause } from "./retry.ts";
import { createSlots, type Slots } from "./slots.ts";
import type { StartEngine } from "./storage.ts";
import { loadTls, tlsPolicy } from "./tls.ts";

/** How registries are reached. */
export interface ClientOptions {
  /** Default: the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: TLS_VERIFY of the environment. Without it certificates are checked, and loopback hosts may speak plain HTTP. */
  readonly tlsVerify?: boolean;
  /** Path of registries.conf. Default: CONTAINERS_REGISTRIES_CONF, then the usual places. */
  readonly registriesConf?: string;
  /** Path of the only auth file. Default: REGISTRY_AUTH_FILE, then the usual places. */
  readonly authFile?: string;
  /** The only login, for every host, instead of auth files. A user of "" has an identity token. Default: none. */
  readonly login?: { readonly user: string; readonly secret: string; readonly source: string };
  /** Requests at the same time per host. Default: 4. */
  readonly concurrency?: number;
  /** Pause before the second try; doubles with each further one. Default: 500. */
  readonly backoffMs?: number;
  /** A request that hears nothing for so long is tried again. Default: 60,000. */
  readonly idleMs?: number;
  /** Ends every request. */
  readonly signal?: AbortSignal;
  /** Starts container engines, for images in their storage. Default: as plain child processes. */
  readonly start?: StartEngine;
}

/** A repository on its real host. */
export interface Repository {
  readonly client: Client;
  /** Host and port, as registries.conf leads there. */
  readonly host: string;
  readonly name: string;
  /** `HOST/REPO` as it was asked for, for messages. */
  readonly place: string;
}

/** Keeps what was learned about hosts: scheme, tokens, sockets. One per run. */
export interface Client {
  readonly options: ClientOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hosts: Map<string, Promise<Host>>;
  readonly conf: () => Promise<RegistriesConf>;
}

/** One host, after the first answer. */
export interface Host {
  readonly name: string;
  readonly origin: string;
  readonly connection: Connection;
  readonly slots: Slots;
  readonly tokens: Map<string, Promise<Token>>;
  readonly credentials: Map<string, Promise<Credentials | undefined>>;
  /** What its last 401 asked for. */
  challenge: Challenge | undefined;
}

/** A client for any number of registries. */
export function createClient(given: ClientOptions = {}): Client {
  const env = given.env ?? process.env;
  const said = /^(?:(yes|true|1)|no|false|0)$/i.exec(env["TLS_VERIFY"] ?? "");
  const options = said === null ? given : { tlsVerify: said[1] !== undefined, ...given };
  let conf: Promise<RegistriesConf> | undefined;
  const confOptions = { env, ...(options.registriesConf !== undefined && { registriesConf: options.registriesConf }) };
  return { options, env, hosts: new Map(), conf: () => (conf ??= loadRegistriesConf(confOptions)) };
}

/** Closes the kept sockets of a client. */
export async function closeClient(client: Client): Promise<void> {
  for (const host of await Promise.allSettled(client.hosts.values())) {
    if (host.status === "fulfilled") closeConnection(host.value.connection);
  }
}

/**
 * The repository that a reference names, after registries.conf.
 * @throws BtError REGISTRY_BLOCKED
 */
export async function openRepository(
  client: Client,
  reference: { readonly host: string; readonly repository: string },
): Promise<Repository> {
  const { host, repository } = findEndpoint(await client.conf(), reference.host, reference.repository);
  return { client, host, name: repository, place: `${reference.host}/${reference.repository}` };
}

/** The host of a repository. Its scheme is found once: https, then plain HTTP where it is allowed. */
export function connect(client: Client, repository: Pick<Repository, "host" | "name">): Promise<Host> {
  const known = client.hosts.get(repository.host);
  if (known !== undefined) return known;
  const found = probe(client, repository);
  client.hosts.set(repository.host, found);
  found.catch(() => client.hosts.delete(repository.host));
  return found;
}

async function probe(client: Client, repository: Pick<Repository, "host" | "name">): Promise<Host> {
  const { host: name } = repository;
  const { insecure } = findEndpoint(await client.conf(), name, repository.name);
  const { tlsVerify, concurrency, idleMs } = client.options;
  const policy = tlsPolicy(name, { insecure, ...(tlsVerify !== undefined && { tlsVerify }) });
  // Certificates take longer to load than everything else: a loopback host that speaks no TLS does not need them.
  if (
    policy.plain &&
    findProxy(new URL(`https://${name}`), client.env) === undefined &&
    (await isPlain(name, client))
  ) {
    const bare = { tls: { ca: [] }, verify: policy.verify, env: client.env, idleMs: idleMs ?? 60_000 };
    const connection = createConnection(bare);
    const plain = await ping(client, connection, `http://${name}`);
    const rest = { name, connection, slots: createSlots(concurrency ?? 4), tokens: new Map(), credentials: new Map() };
    if ("answer" in plain) return { ...rest, ...plain.answer };
    throw registryUnreachable(name, plain.error);
  }
  const tls = await loadTls(name, client.env);
  const connection = createConnection({ tls, verify: policy.verify, env: client.env, idleMs: idleMs ?? 60_000 });
  const host = { name, connection, slots: createSlots(concurrency ?? 4), tokens: new Map(), credentials: new Map() };
  const secure = await ping(client, connection, `https://${name}`);
  if ("answer" in secure) return { ...host, ...secure.answer };
  if (isCertificateError(secure.error)) throw certificateRefused(name, secure.error);
  if (!policy.plain) throw isPlainSign(secure.error) ? registryPlain(name) : registryUnreachable(name, secure.error);
  const plain = await ping(client, connection, `http://${name}`);
  if ("answer" in plain) return { ...host, ...plain.answer };
  throw registryUnreachable(name, plain.error);
}

/** Whether a host answers a TLS greeting as a plain HTTP server does. Nothing is sent but the greeting. */
function isPlain(name: string, client: Client): Promise<boolean> {
  const { hostname, port } = new URL(`https://${name}`);
  const { signal, idleMs = 60_000 } = client.options;
  return new Promise((resolve) => {
    const end = (plain: boolean): void => {
      signal?.removeEventListener("abort", stop);
      socket.destroy();
      resolve(plain);
    };
    const stop = (): void => end(false);
    const socket = connectTls({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 443),
      ca: [],
      rejectUnauthorized: false,
    });
    signal?.addEventListener("abort", stop, { once: true });
    socket.setTimeout(idleMs, stop);
    socket.once("secureConnect", stop).on("error", (error) => end(isPlainSign(error)));
  });
}

type Ping =
  | { readonly answer: { readonly origin: string; readonly challenge: Challenge | undefined } }
  | { readonly error: unknown };

async function ping(client: Client, connection: Connection, origin: string): Promise<Ping> {
  for (let tries = 1; ; tries++) {
    try {
      const url = new URL("/v2/", origin);
      const answer = await send(connection, {
        method: "GET",
        url,
        headers: {},
        ...(client.options.signal && { signal: client.options.signal }),
      });
      dropBody(answer);
      const { status } = answer;
      if (status === 200) return { answer: { origin: url.origin, challenge: undefined } };
      if (status === 401)
        return { answer: { origin: url.origin, challenge: parseChallenge(answer.headers["www-authenticate"]) } };
      if (!isPassingStatus(status) || tries >= maxTries) throw registryStrange(url.host, status);
      await pause(client.options, tries, answer.headers["retry-after"]);
    } catch (error) {
      if (!isPassing(error) && !isCertificateError(error)) throw error;
      if (tries >= maxTries || isCertificateError(error) || isPlainSign(error) || isRefusal(error)) return { error };
      await pause(client.options, tries);
    }
  }
}

/** The host of another URL: what a registry redirects to has the scheme of its URL and no login. */
export function connectForeign(client: Client, url: URL): Promise<Host> {
  const known = client.hosts.get(url.origin);
  if (known !== undefined) return known;
  const { tlsVerify, concurrency, idleMs } = client.options;
  const found = loadTls(url.host, client.env).then((tls): Host => ({
    name: url.host,
    origin: url.origin,
    connection: createConnection({ tls, verify: tlsVerify !== false, env: client.env, idleMs: idleMs ?? 60_000 }),
    slots: createSlots(concurrency ?? 4),
    tokens: new Map(),
    credentials: new Map(),
    challenge: undefined,
  }));
  client.hosts.set(url.origin, found);
  return found;
}
