/** Images of others: their digests, asked once a run, and the client that asks. Does not know cells. */
import { resolve } from "node:path";
import type { Arch, Settings } from "../../core/index.ts";
import {
  closeClient,
  fetchImage,
  openClient,
  resolveImage,
  resolveName,
  type Client,
  type ClientOptions,
  type Descriptor,
  type Layout,
} from "../multiarch-manifest/index.ts";
import { planOf, type External, type Site } from "./role.ts";

/** Runs `work` with a client that ends with it. */
export async function withClient<T>(
  site: Site,
  { root, signal, backoffMs }: { readonly root: string } & Pick<ClientOptions, "signal" | "backoffMs">,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const { options, values } = planOf(site);
  const tlsVerify = values.tlsVerify === undefined ? options.tlsVerify : /^(yes|true|1)$/.test(values.tlsVerify);
  const authFile = values.authFile ?? options.authFile;
  const registriesConf = values.registriesConf ?? options.registriesConf;
  const client = await openClient({
    ...(tlsVerify !== undefined && { tlsVerify }),
    ...(authFile !== undefined && { authFile: resolve(root, authFile) }),
    ...(registriesConf !== undefined && { registriesConf: resolve(root, registriesConf) }),
    ...(signal && { signal }),
    ...(backoffMs !== undefined && { backoffMs }),
  });
  return work(client).finally(() => closeClient(client));
}

/** How to ask. */
export interface AskOptions {
  readonly client: Client;
  /** Of an index, the child for this platform. Absent: the index itself. */
  readonly platform?: Arch;
  readonly mirrors?: Settings["mirrors"];
}

/**
 * What a reference stands for in this run. The mirror of its registry is asked first.
 * @throws BtError REGISTRY_…, MANIFEST_…
 */
export function resolveExternal(site: Site, reference: string, asked: AskOptions): Promise<External> {
  const key = `${asked.platform ?? ""} ${reference}`;
  const known = site.resolved.get(key) ?? ask(site, reference, asked);
  site.resolved.set(key, known);
  return known;
}

async function ask(site: Site, reference: string, { client, platform, mirrors = {} }: AskOptions): Promise<External> {
  const name = (await resolveName(reference, { client })).replace(/^docker:\/\//, "");
  const { armFallback } = planOf(site).options;
  const how = {
    client,
    ...(platform !== undefined && { platform }),
    ...(armFallback !== undefined && armFallback !== false && { armFallback }),
  };
  const [host = "", ...rest] = name.split("/");
  const mirror = mirrors[host];
  if (mirror !== undefined && rest.length > 0) {
    const found = [mirror, ...rest].join("/");
    const digest = await resolveImage(found, how).catch(() => undefined);
    if (digest !== undefined) return pin(name, found, digest);
  }
  return pin(name, name, await resolveImage(name, how));
}

function pin(name: string, found: string, digest: string): External {
  return { name, digest, pinned: found.startsWith("oci:") ? found : `${found.replace(/@.*$/, "")}@${digest}` };
}

/** Copies one platform of an image that was resolved. */
export async function fetchExternal(
  site: Site,
  external: External,
  into: Layout,
  how: {
    readonly client: Client;
    readonly platform: Arch;
    readonly anyPlatform?: boolean;
    readonly onWarning?: (sentence: string) => void;
  },
): Promise<Descriptor> {
  const { armFallback } = planOf(site).options;
  const { platform, ...rest } = how;
  return fetchImage(external.pinned, platform, into, {
    ...rest,
    ...(armFallback !== undefined && armFallback !== false && { armFallback }),
  });
}
