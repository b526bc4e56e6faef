/** What `bt --doctor` says of a remote cache: whether it answers, and what this run may do there. */
import type { Requirement } from "../../core/index.ts";
import { findAccess } from "./access.ts";
import type { RemoteCacheOptions } from "./options.ts";

/** A key that nothing has. */
const nobody = "0".repeat(64);
const patienceMs = 5_000;

/** Asks the cache for a result that does not exist. */
export async function listRequirements(
  options: RemoteCacheOptions,
  { env, plugin }: { readonly env: Readonly<Record<string, string | undefined>>; readonly plugin: string },
): Promise<readonly Requirement[]> {
  const { domains, canWrite, description } = findAccess(options, env);
  const { openStore } = await import("./work.ts");
  const asked = openStore(options, { env, domains, canWrite, warn: () => undefined }).then(async (store) => {
    await store.findResult(nobody, AbortSignal.timeout(patienceMs)).finally(() => store.close());
  });
  const isThere = await asked.then(
    () => true,
    () => false,
  );
  const name = "url" in options ? options.url : options.registry;
  const install = "url" in options ? `curl -v ${name}` : `skopeo list-tags docker://${name}`; // These say why it does not answer.
  return [{ name, plugin, isRequired: false, install, ...(isThere ? { found: description } : {}) }];
}
