/** What a run may do with a remote cache: which domains it reads, whether it writes, and why not. Reads no secret; does not know servers. */
import { findDomains, isTrusted } from "./domain.ts";
import type { RemoteCacheOptions, Secret } from "./options.ts";
import { hasSecret, nameSecret } from "./secret.ts";

/** The rights of one run. */
export interface Access {
  /** The own one first, then the more trusted ones. */
  readonly domains: readonly string[];
  readonly canWrite: boolean;
  /** `reads protected; writes protected`, or what is missing for that. */
  readonly description: string;
}

/** Whatever the options say, a pull request writes nothing but its own domain. */
export function findAccess(options: RemoteCacheOptions, env: Readonly<Record<string, string | undefined>>): Access {
  const { own, readable, isPullRequest } = findDomains(env, trustedDomains(options));
  const obstacle = findObstacle(options, own, env);
  const reads = `reads ${readable.join(", ")}${isPullRequest ? " as a pull request" : ""}`;
  const writes = obstacle === undefined ? `writes ${own ?? ""}` : `does not write: ${obstacle}`;
  return { domains: readable, canWrite: obstacle === undefined, description: `${reads}; ${writes}` };
}

/** The domains of merged code, the own one first. */
export function trustedDomains({ domain = "protected" }: RemoteCacheOptions): readonly string[] {
  return typeof domain === "string" ? [domain] : domain;
}

/** What forges results in the wrong hands. Those to read with do not. */
export function writerSecrets({ write, signature }: RemoteCacheOptions): readonly Secret[] {
  const key = signature?.kind === "hmac" ? signature.key : signature?.privateKey;
  return [write, key].filter((secret) => secret !== undefined);
}

function findObstacle(
  { write, signature }: RemoteCacheOptions,
  own: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (own === undefined) return "nobody says which pull request this is";
  if (write === undefined) return "no login to write is named";
  if (!hasSecret(write, env)) return `${nameSecret(write)} is not set`;
  if (signature === undefined || !isTrusted(own)) return undefined;
  const key = signature.kind === "hmac" ? signature.key : signature.privateKey;
  if (key === undefined) return "no key to sign is named";
  return hasSecret(key, env) ? undefined : `${nameSecret(key)} is not set`;
}
