/** Which certificates a registry is trusted by, and whether it may be asked without them. Does not send anything. */
import { readdir, readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";

/** What a connection to one host needs. */
export interface TlsFacts {
  /** PEM. The system's, and those of certs.d. */
  readonly ca: readonly string[];
  /** Client certificates and their keys, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** How strictly one host is asked. */
export interface TlsPolicy {
  /** Whether its certificate is checked. */
  readonly verify: boolean;
  /** Whether plain HTTP is tried when it does not speak TLS. */
  readonly plain: boolean;
}

/**
 * The policy for a host: certificates are checked, plain HTTP only on loopback. `tlsVerify: true` forbids plain HTTP there too;
 * `tlsVerify: false`, or insecure in registries.conf, allows both.
 */
export function tlsPolicy(
  host: string,
  facts: { readonly tlsVerify?: boolean; readonly insecure: boolean },
): TlsPolicy {
  const verify = facts.tlsVerify ?? !facts.insecure;
  return { verify, plain: !verify || (facts.tlsVerify === undefined && isLoopback(host)) };
}

/** Whether a host, with or without port, is this machine: `localhost`, `127.0.0.0/8`, `::1`. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  return name === "localhost" || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** The folders in which certificates for `host` (with port) are looked for. */
export function certsFolders(host: string, env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const home = join(env["HOME"] ?? homedir(), ".config", "containers");
  return [home, "/etc/containers", "/etc/docker"].map((base) => join(base, "certs.d", host));
}

/** Certificates for a host: the system's CAs, `*.crt` of certs.d, and pairs of `X.cert` and `X.key`. */
export async function loadTls(host: string, env: Readonly<Record<string, string | undefined>>): Promise<TlsFacts> {
  const ca = [...(await loadSystemAuthorities(env))];
  const pairs: { cert: string; key: string }[] = [];
  for (const dir of certsFolders(host, env)) {
    const names = (await readdir(dir).catch(() => [])).sort();
    for (const name of names) {
      if (name.endsWith(".crt")) ca.push(await readFile(join(dir, name), "utf8"));
      const key = name.replace(/\.cert$/, ".key");
      if (key !== name && names.includes(key)) {
        pairs.push({ cert: await readFile(join(dir, name), "utf8"), key: await readFile(join(dir, key), "utf8") });
      }
    }
  }
  return { ca, ...pairs[0] };
}

const bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** Node brings its own list; companies add theirs to the system's. */
async function loadSystemAuthorities(env: Readonly<Record<string, string | undefined>>): Promise<readonly string[]> {
  const extra = env["NODE_EXTRA_CA_CERTS"];
  const texts =
    extra === undefined
      ? []
      : await readFile(extra, "utf8").then(
          (text) => [text],
          () => [],
        );
  for (const path of [...(env["SSL_CERT_FILE"] === undefined ? [] : [env["SSL_CERT_FILE"]]), ...bundles]) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    if (text !== undefined) return [...texts, text];
  }
  return [...texts, ...rootCertificates];
}
