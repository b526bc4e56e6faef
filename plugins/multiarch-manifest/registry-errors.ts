/** Every message about registries: reaching them, logging in, what they answer. Secrets and query strings never come here. */
import { BtError } from "../../core/index.ts";

/** What was asked when a registry refused. */
export interface Refusal {
  /** Host and port. */
  readonly host: string;
  readonly repository: string;
  readonly scopes: readonly string[];
  /** Path of the auth file in use. Absent: no credentials were found. */
  readonly file?: string;
  /** Program that gave the credentials. Absent: they stand in the file. */
  readonly helper?: string;
  /** Auth files in which no credentials were found. Empty when there are some. */
  readonly asked: readonly string[];
  /** `errors[].code: message` of the answer. Empty: it said nothing. */
  readonly answer: readonly string[];
}

/** A request and its answer, for messages; the URL has no query. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly answer: readonly string[];
}

export function authFileMalformed(file: string): BtError {
  return new BtError("REGISTRY_AUTH_FILE_MALFORMED", `The auth file "${file}" cannot be read`, {
    fix: "Remove the file and log in again with `skopeo login` or `docker login`.",
  });
}

export function authFileMissing(file: string, source: string): BtError {
  return new BtError("REGISTRY_AUTH_FILE_MISSING", `${source} names the file "${file}", which does not exist`, {
    fix: `Log in with \`skopeo login --authfile ${file} HOST\`, or unset ${source}.`,
  });
}

export function blobRefused(
  host: string,
  blob: { readonly digest: string; readonly size: number },
  reply: { readonly status: 413 | 507; readonly answer: readonly string[] },
): BtError {
  const why = reply.status === 413 ? "does not take blobs as large as" : "has no room for";
  return new BtError(
    "REGISTRY_FULL",
    `${host} ${why} ${blob.digest} with its ${blob.size} bytes (${reply.status}); no tag was moved`,
    {
      exitCode: 1,
      detail: reply.answer,
      fix: "Make room there or raise its limit, then publish again; blobs that are there are not sent twice.",
    },
  );
}

export function blobUploadFailed(host: string, digest: string, cause: unknown): BtError {
  return new BtError("REGISTRY_UPLOAD_FAILED", `Blob ${digest} could not be sent to ${host}`, {
    exitCode: 1,
    cause,
    detail: [messageOf(cause)],
    fix: "Run it again; blobs that are there are not sent twice.",
  });
}

export function certificateRefused(host: string, cause: unknown): BtError {
  const [reason = ""] = messageOf(cause).split(";"); // Newer Nodes add advice of their own.
  return new BtError("REGISTRY_CERTIFICATE", `The certificate of ${host} is not trusted: ${reason}`, {
    exitCode: 1,
    cause,
    fix: `Put its CA into ~/.config/containers/certs.d/${host}/ca.crt, or set TLS_VERIFY=false.`,
  });
}

export function confMalformed(path: string, cause: unknown): BtError {
  return new BtError("REGISTRY_CONF_MALFORMED", `"${path}" is not TOML: ${messageOf(cause).split("\n")[0] ?? ""}`, {
    cause,
    fix: "Correct the file.",
  });
}

export function confMissing(path: string): BtError {
  return new BtError("REGISTRY_CONF_MISSING", `There is no registries.conf at "${path}"`, {
    fix: "Correct registriesConf or CONTAINERS_REGISTRIES_CONF, or unset it.",
  });
}

export function digestDiffers(reference: string, expected: string, found: string): BtError {
  return new BtError("REGISTRY_DIGEST", `${reference} answered ${found}, ${expected} was expected`, {
    exitCode: 1,
    fix: "Run it again; if it stays so, the registry or a proxy on the way changes what it stores.",
  });
}

export function helperFailed(program: string, server: string, code: number | undefined): BtError {
  const problem =
    code === undefined ? "cannot be started" : code === 0 ? "gave no answer that can be read" : `ended with ${code}`;
  return new BtError(
    "REGISTRY_HELPER_FAILED",
    `The credential helper \`${program}\` ${problem} when asked for "${server}"`,
    {
      exitCode: 1,
      fix: `Run \`echo ${server} | ${program} get\` and repair it, or remove it from the auth file.`,
    },
  );
}

export function manifestMissing(reference: string): BtError {
  return new BtError("REGISTRY_MANIFEST_MISSING", `There is no image ${reference}`, {
    exitCode: 1,
    fix: "Check the name and the tag, or publish it first.",
  });
}

export function manifestTooLarge(reference: string, sizeBytes: number): BtError {
  return new BtError(
    "REGISTRY_MANIFEST_TOO_LARGE",
    `The manifest for ${reference} has ${sizeBytes} bytes, registries take 4194304`,
    {
      exitCode: 1,
      fix: "Use fewer or shorter annotations.",
    },
  );
}

export function pushDenied(refusal: Refusal, status: number): BtError {
  const what = status === 405 ? "is read-only" : "does not let bt push";
  return new BtError(
    "REGISTRY_PUSH_DENIED",
    `${refusal.host} ${what} ${status === 405 ? "for" : "to"} "${refusal.repository}" (${status})`,
    {
      exitCode: 1,
      detail: refusal.answer,
      fix: status === 405 ? "Publish to another registry, or let its owner end the read-only mode." : loginFix(refusal),
    },
  );
}

export function referrerLost(reference: string, digest: string): BtError {
  return new BtError(
    "REGISTRY_REFERRER_LOST",
    `${digest} was attached to ${reference} five times, and other writers removed it each time`,
    {
      exitCode: 1,
      fix: "Attach it again when the others have finished.",
    },
  );
}

export function registryBlocked(name: string, prefix: string): BtError {
  return new BtError("REGISTRY_BLOCKED", `"${name}" is blocked by registries.conf (prefix "${prefix}")`, {
    fix: "Use another registry, or remove `blocked` from that block.",
  });
}

export function registryDenied(refusal: Refusal, status: 401 | 403): BtError {
  const { file, helper } = refusal;
  const source = helper === undefined ? `"${file}"` : `\`${helper}\`, which "${file}" names`;
  const who = file === undefined ? "without credentials" : `with the credentials of ${source}`;
  return new BtError(
    "REGISTRY_DENIED",
    `${refusal.host} refuses "${refusal.repository}" ${who} (${status}); wanted ${refusal.scopes.join(" ")}`,
    {
      exitCode: 1,
      detail: [...refusal.answer, ...refusal.asked.map((one) => `no login for ${refusal.host} in ${one}`)],
      fix: loginFix(refusal),
    },
  );
}

export function registryFailed(exchange: Exchange): BtError {
  return new BtError("REGISTRY_FAILED", `${exchange.method} ${exchange.url} answered ${exchange.status}`, {
    exitCode: 1,
    detail: exchange.answer,
    fix:
      exchange.status === 429
        ? "Wait until the registry's limit is over, or log in."
        : "Run it again, or ask the registry's owner if it stays so.",
  });
}

export function registryPlain(host: string): BtError {
  return new BtError("REGISTRY_PLAIN", `${host} does not speak https`, {
    exitCode: 1,
    fix: `Add to registries.conf: [[registry]] location = "${host}" insecure = true. Or set TLS_VERIFY=false.`,
  });
}

export function registryStrange(host: string, status: number): BtError {
  return new BtError("REGISTRY_STRANGE", `${host} is not a registry: it answers ${status} to /v2/`, {
    exitCode: 1,
    fix: "Check the host and the port of the reference.",
  });
}

export function registryUnreachable(host: string, cause: unknown): BtError {
  return new BtError("REGISTRY_UNREACHABLE", `${host} cannot be reached: ${messageOf(cause)}`, {
    exitCode: 1,
    cause,
    fix: "Check the host, the network and the proxy settings, and that the registry runs.",
  });
}

export function schemaGivenUp(reference: string): BtError {
  return new BtError(
    "REGISTRY_SCHEMA_1",
    `${reference} has a manifest of schema version 1, which was given up in 2017`,
    {
      exitCode: 1,
      fix: "Push the image again with a present tool, or name a newer image.",
    },
  );
}

export function tokenFailed(realm: string, refusal: Refusal, status: number): BtError {
  return new BtError(
    "REGISTRY_TOKEN",
    `The token server ${realm} of ${refusal.host} answered ${status === 200 ? "no token" : status}; wanted ${refusal.scopes.join(" ")}`,
    {
      exitCode: 1,
      fix: loginFix(refusal),
    },
  );
}

function loginFix(refusal: Refusal): string {
  const { host, file } = refusal;
  return file === undefined
    ? `Log in with \`skopeo login ${host}\`, or set REGISTRY_AUTH_FILE.`
    : `Log in again with \`skopeo login --authfile ${file} ${host}\`, or ask for the right to do this.`;
}

/** A cause in a few words; sockets often have a code and no text. */
function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : undefined;
  if (inner instanceof Error) return messageOf(inner);
  return cause.message === "" ? String((cause as NodeJS.ErrnoException).code ?? cause.name) : cause.message;
}
