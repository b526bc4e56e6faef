/** Results from other machines: a server of files or a container registry as a cache. Describes; the work is loaded when a result is asked for. */
import { definePlugin, type CacheStore, type CacheTools, type Plugin } from "../../core/index.ts";
import { findAccess } from "./access.ts";
import { checkCache, refuseDeclared } from "./check.ts";
import type { RemoteCacheOptions } from "./options.ts";

export type {
  CommonOptions,
  HttpCacheOptions,
  RegistryCacheOptions,
  RemoteCacheOptions,
  Secret,
  Signature,
} from "./options.ts";

/**
 * A cache that machines share. List it in `plugins`. It only reads until `write` names a login that is there.
 * @throws BtError FIELD_UNKNOWN, FIELD_MISSING, FIELD_SHAPE, CACHE_URL, CACHE_DOMAIN
 */
export function remoteCache(options: RemoteCacheOptions): Plugin {
  checkCache(options);
  const { name = "remote" } = options;
  const plugin = name === "remote" ? "remote-cache" : `remote-cache-${name}`;
  return definePlugin({
    name: plugin,
    tasks: {},
    apply(hooks) {
      hooks.tasks.tap((tasks) => refuseDeclared(tasks, options));
      hooks.cache.tap((stores, tools) => [...stores, createStore(name, options, tools)]);
      hooks.doctor.tap(async (requirements, { env }) => {
        const { listRequirements } = await import("./doctor.ts");
        return [...requirements, ...(await listRequirements(options, { env, plugin }))];
      });
    },
  });
}

/** A store that connects when it is first asked. */
function createStore(name: string, options: RemoteCacheOptions, { env, warn }: CacheTools): CacheStore {
  const { domains, canWrite } = findAccess(options, env);
  const open = async (): Promise<Required<StoreWork>> =>
    (await import("./work.ts")).openStore(options, { env, domains, canWrite, warn });
  let opened: Promise<Required<StoreWork>> | undefined;
  const work = (): Promise<Required<StoreWork>> => (opened ??= open());
  return {
    name,
    canWrite,
    findResult: async (key, signal) => (await work()).findResult(key, signal),
    readBlob: async (blob, signal) => (await work()).readBlob(blob, signal),
    findMissing: async (blobs, signal) => (await work()).findMissing(blobs, signal),
    writeBlob: async (blob, bytes, signal) => (await work()).writeBlob(blob, bytes, signal),
    writeResult: async (result, signal) => (await work()).writeResult(result, signal),
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

type StoreWork = Omit<CacheStore, "name" | "canWrite">;
