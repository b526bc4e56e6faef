/** Answers challenges: finds credentials, fetches tokens and keeps them until they end. Does not know what is asked for. */
import { basicHeader, createTokenRequest, parseToken, type Challenge, type Token } from "./auth.ts";
import { authFiles, findCredentials, type Credentials } from "./credentials.ts";
import { connectForeign, type ClientOptions, type Host, type Repository } from "./host.ts";
import { readText, send } from "./http.ts";
import { certificateRefused, registryUnreachable, tokenFailed, type Refusal } from "./registry-errors.ts";
import { isCertificateError, isPassing, isPassingStatus, maxTries, pause } from "./retry.ts";

/** The Authorization header for `scopes`. Undefined: the host wants none, or bt has none. */
export async function authorize(
  repository: Repository,
  host: Host,
  wanted: readonly string[],
): Promise<string | undefined> {
  const { challenge } = host;
  if (challenge === undefined) return undefined;
  const credentials = await credentialsOf(repository, host);
  if (challenge.kind === "basic") return basicHeader(credentials);
  const scopes = scopesOf(host, wanted);
  const key = tokenKey(scopes);
  const known = await host.tokens.get(key)?.catch(() => undefined);
  if (known !== undefined && known.endsAt > Date.now()) return `Bearer ${known.value}`;
  const asked = fetchToken(repository, host, { challenge, scopes, credentials });
  host.tokens.set(key, asked);
  return `Bearer ${(await asked).value}`;
}

interface TokenFacts {
  readonly challenge: Extract<Challenge, { kind: "bearer" }>;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
}

async function fetchToken(repository: Repository, host: Host, facts: TokenFacts): Promise<Token> {
  const { url, headers, form } = createTokenRequest(facts.challenge, facts.scopes, facts.credentials);
  const server = url.origin === host.origin ? host : await connectForeign(repository.client, url);
  const { signal } = repository.client.options;
  for (let tries = 1; ; tries++) {
    const request = {
      method: form === undefined ? "GET" : "POST",
      url,
      headers,
      ...(form !== undefined && { body: Buffer.from(form) }),
      ...(signal && { signal }),
    };
    const answer = await send(server.connection, request).catch((error: unknown) => {
      if (isCertificateError(error)) throw certificateRefused(url.host, error);
      if (!isPassing(error)) throw error;
      if (tries >= maxTries) throw registryUnreachable(url.host, error);
      return undefined;
    });
    const text = answer === undefined ? "" : await readText(answer, 1 << 20);
    const token = answer?.status === 200 ? parseToken(text, Date.now()) : undefined;
    if (token !== undefined) return token;
    const passing = answer === undefined || isPassingStatus(answer.status);
    if (!passing || tries >= maxTries) {
      const refusal = await refusalOf(repository, host, { scopes: facts.scopes, answer: [] });
      throw tokenFailed(url.origin + url.pathname, refusal, answer?.status ?? 0);
    }
    await pause(repository.client.options, tries, answer?.headers["retry-after"]);
  }
}

function credentialsOf(repository: Repository, host: Host): Promise<Credentials | undefined> {
  const { client, name } = repository;
  const known = host.credentials.get(name);
  if (known !== undefined) return known;
  const { authFile, login } = client.options;
  if (login !== undefined) return Promise.resolve(ownLogin(login));
  const found = findCredentials(host.name, name, { env: client.env, ...(authFile !== undefined && { authFile }) });
  host.credentials.set(name, found);
  return found;
}

function ownLogin({ user, secret, source }: NonNullable<ClientOptions["login"]>): Credentials {
  return { kind: user === "" ? "identity-token" : "password", user, secret, file: source };
}

/** The facts of a refusal, with the auth file in use. */
export async function refusalOf(
  repository: Repository,
  host: Host,
  facts: Pick<Refusal, "scopes" | "answer">,
): Promise<Refusal> {
  const { env, options } = repository.client;
  const { authFile } = options;
  const { file, helper } = (await credentialsOf(repository, host)) ?? {};
  const asked = file !== undefined ? [] : await authFiles({ env, ...(authFile !== undefined && { authFile }) });
  const who = { asked, ...(file !== undefined && { file }), ...(helper !== undefined && { helper }) };
  return { ...facts, ...who, host: host.name, repository: repository.name };
}

/** After a 401 the token for `scopes` is worth nothing. */
export function forgetToken(host: Host, wanted: readonly string[]): void {
  host.tokens.delete(tokenKey(scopesOf(host, wanted)));
}

/** What is needed; where that is nothing, what the host itself asked for. */
function scopesOf(host: Host, wanted: readonly string[]): readonly string[] {
  if (wanted.length > 0) return [...new Set(wanted)].sort();
  return host.challenge?.kind === "bearer" ? host.challenge.scopes : [];
}

function tokenKey(scopes: readonly string[]): string {
  return scopes.join(" ");
}
