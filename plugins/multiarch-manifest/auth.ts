/** Turns a registry's challenge and credentials into an Authorization header. Keeps tokens in memory; does not know requests. */
import type { Credentials } from "./credentials.ts";

/** What a 401 asks for. */
export type Challenge =
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: string; readonly service?: string; readonly scopes: readonly string[] };

/** A token and when it ends. */
export interface Token {
  readonly value: string;
  /** Milliseconds since 1970; a margin is already taken off. */
  readonly endsAt: number;
}

/** How a token is asked for; `form` is a body of a POST, without it a GET. */
export interface TokenRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly form?: string;
}

/** A challenge that bt can answer, Bearer before Basic. Undefined: there is none. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (header === undefined) return undefined;
  const bearer = /bearer\s+(.*)/is.exec(header);
  if (bearer !== null) {
    const fields = new Map<string, string>();
    for (const [, name, quoted, bare] of bearer[1]!.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi)) {
      if (!fields.has(name!.toLowerCase()))
        fields.set(name!.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "");
    }
    const realm = fields.get("realm");
    const service = fields.get("service");
    const scopes = (fields.get("scope") ?? "").split(" ").filter((scope) => scope !== "");
    if (realm !== undefined) return { kind: "bearer", realm, ...(service !== undefined && { service }), scopes };
  }
  return /(^|,\s*)basic\b/i.test(header) ? { kind: "basic" } : undefined;
}

/** `Basic …` for a password; undefined for an identity token, which only token servers take. */
export function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined || credentials.kind !== "password") return undefined;
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.secret}`).toString("base64")}`;
}

/** How a token for `scopes` is asked for. */
export function createTokenRequest(
  challenge: Extract<Challenge, { kind: "bearer" }>,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): TokenRequest {
  const url = new URL(challenge.realm);
  if (credentials?.kind === "identity-token") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credentials.secret,
      client_id: "bt",
    });
    if (challenge.service !== undefined) form.set("service", challenge.service);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    return { url, headers: { "content-type": "application/x-www-form-urlencoded" }, form: form.toString() };
  }
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const basic = basicHeader(credentials);
  return { url, headers: basic === undefined ? {} : { authorization: basic } };
}

/** The token in a token server's answer; it ends after `expires_in` seconds, 60 if it does not say. Undefined: there is none. */
export function parseToken(text: string, nowMs: number): Token | undefined {
  let json: { token?: unknown; access_token?: unknown; expires_in?: unknown };
  try {
    json = JSON.parse(text) as typeof json;
  } catch {
    return undefined;
  }
  const value = json.token ?? json.access_token;
  if (typeof value !== "string" || value === "") return undefined;
  const seconds = typeof json.expires_in === "number" && json.expires_in > 0 ? json.expires_in : 60;
  return { value, endsAt: nowMs + seconds * 1000 - Math.min(5000, seconds * 100) };
}
