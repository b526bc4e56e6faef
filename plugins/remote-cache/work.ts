/** From options to the work of a store: logins, keys, certificates, the right kind of server. Loaded when a result is first asked for. */
import { resolve } from "node:path";
import type { ClientOptions } from "../multiarch-manifest/library.ts";
import { registryMalformed } from "./errors.ts";
import { openHttpShelves } from "./http-shelf.ts";
import type { HttpCacheOptions, RegistryCacheOptions, RemoteCacheOptions } from "./options.ts";
import { nameSecret, readLogin, secretPath } from "./secret.ts";
import type { Shelves } from "./shelf.ts";
import { createSigner } from "./signature.ts";
import { createStoreWork, type StoreWork } from "./store.ts";

/** What a run is, beside the options. */
export interface Site {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Domains to read, the own one first. */
  readonly domains: readonly string[];
  readonly canWrite: boolean;
  readonly warn: (text: string) => void;
}

/** @throws BtError CACHE_SIGNATURE_KEY, CACHE_REGISTRY */
export async function openStore(options: RemoteCacheOptions, site: Site): Promise<Required<StoreWork>> {
  const { env, canWrite, warn } = site;
  const signer = options.signature && createSigner(options.signature, env);
  const shelves = await ("url" in options ? openHttp(options, site) : openRegistry(options, site));
  return createStoreWork({ shelves, canWrite, signer, warn });
}

const defaultTimeoutMs = 10_000;

function openHttp(options: HttpCacheOptions, { env, domains, canWrite }: Site): Promise<Shelves> {
  const { read, write, timeoutMs = defaultTimeoutMs } = options;
  const secret = (canWrite ? write : undefined) ?? read;
  const login = secret && readLogin(secret, new URL(options.url).host, env);
  return openHttpShelves({ options, env, login, timeoutMs }, domains);
}

async function openRegistry(options: RegistryCacheOptions, { env, domains, canWrite }: Site): Promise<Shelves> {
  const { read, write, timeoutMs = defaultTimeoutMs } = options;
  const [{ parseReference }, { openRegistryShelves }] = await Promise.all([
    import("../multiarch-manifest/library.ts"),
    import("./registry-shelf.ts"),
  ]);
  const reference = await parseReference(options.registry).catch(() => undefined);
  if (reference?.kind !== "registry" || reference.digest !== undefined) throw registryMalformed(options.registry);
  const { host, repository } = reference;
  const secret = (canWrite ? write : undefined) ?? read;
  const login = secret !== undefined && "env" in secret ? readLogin(secret, host, env) : undefined;
  const client: ClientOptions = {
    env,
    idleMs: timeoutMs,
    ...(login === undefined ? {} : { login: { ...login, source: nameSecret(secret!) } }),
    ...(secret !== undefined && "file" in secret ? { authFile: resolve(secretPath(secret.file, env)) } : {}),
  };
  return openRegistryShelves({ host, repository, client }, domains);
}
