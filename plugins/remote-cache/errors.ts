/** Every message about remote caches. Secrets and query strings never come here. */
import { BtError } from "../../core/index.ts";

export function credentialDeclared(task: string, variable: string): BtError {
  return new BtError(
    "CACHE_CREDENTIAL_DECLARED",
    `Task "${task}" would get the variable ${variable}, which lets bt write into the remote cache`,
    {
      at: { where: `task "${task}"` },
      fix: `Take ${variable} out of the task's env and params: what a task can write, its programs can forge.`,
    },
  );
}

export function domainMalformed(domain: string): BtError {
  const problem = domain.startsWith("pr/") ? "belongs to a pull request" : "is no name of a trust domain";
  return new BtError("CACHE_DOMAIN", `"${domain}" ${problem}`, {
    fix: 'Use lower-case letters, digits and "-", at most 40 of them, for example "protected".',
  });
}

export function registryMalformed(text: string): BtError {
  return new BtError("CACHE_REGISTRY", `"${text}" names no repository of a registry`, {
    fix: 'Write host and repository without a tag: "quay.io/team/bt-cache".',
  });
}

export function requestFailed(method: string, url: string, status: number): BtError {
  return new BtError("CACHE_REQUEST_FAILED", `${method} ${url} answered ${status}`, {
    exitCode: 1,
    fix:
      status === 401 || status === 403
        ? "Check the login that `read` or `write` of the remote cache names."
        : "Ask the owner of the server if it stays so.",
  });
}

export function signatureKey(name: string, problem: string): BtError {
  return new BtError("CACHE_SIGNATURE_KEY", `The signature key ${name} ${problem}`, {
    fix: "Make a key with `openssl rand -hex 32` for hmac, or with `openssl genpkey -algorithm ed25519`.",
  });
}

export function urlMalformed(problem: string, url: string): BtError {
  return new BtError("CACHE_URL", `The URL of the remote cache ${problem}: "${url}"`, {
    at: { where: 'plugin "remote-cache"' }, // Not the line of the builderfile: the secret may stand in it.
    fix: 'Write it as "https://HOST/PREFIX"; the login belongs into a variable or file that `read` or `write` names.',
  });
}
