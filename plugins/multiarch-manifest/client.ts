/** Requests to registries: login, retries, limits, redirects. Knows repositories, not what is asked of them. */
import { parseChallenge } from "./auth.ts";
import { connect, connectForeign, type Host, type Repository } from "./host.ts";
import { dropBody, readText, send, type Body, type HttpAnswer } from "./http.ts";
import { authorize, forgetToken, refusalOf } from "./login.ts";
import {
  certificateRefused,
  registryDenied,
  registryFailed,
  registryUnreachable,
  type Refusal,
} from "./registry-errors.ts";
import { isCertificateError, isPassing, isPassingStatus, maxTries, pause } from "./retry.ts";

/** One request to a registry. */
export interface Ask {
  readonly method: string;
  /** `/v2/…`, or the absolute URL of a Location. */
  readonly path: string;
  /** `repository:NAME:pull` and the like. */
  readonly scopes: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body;
  /** Statuses that are an answer and no error. */
  readonly accept: readonly number[];
  /** Whether to try again after lost connections and 5xx. Default: yes. */
  readonly retry?: "never";
}

const maxRedirects = 5;
const answerLimit = 64 * 1024;

/**
 * Sends one request, again after failures that may pass. Redirects of GET and HEAD are followed; another host never sees the login.
 * @throws BtError REGISTRY_DENIED, REGISTRY_FAILED, REGISTRY_UNREACHABLE, REGISTRY_CERTIFICATE, REGISTRY_PLAIN, REGISTRY_STRANGE, REGISTRY_TOKEN
 */
export async function ask(repository: Repository, question: Ask): Promise<HttpAnswer> {
  const host = await connect(repository.client, repository);
  for (let tries = 1, refused = false; ; tries++) {
    const last = tries >= maxTries || question.retry === "never";
    let answer: HttpAnswer;
    try {
      answer = await sendOnce(repository, host, question);
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (last) throw registryUnreachable(host.name, error);
      await pause(repository.client.options, tries);
      continue;
    }
    const { status } = answer;
    if (question.accept.includes(status)) return answer;
    const detail = await readAnswer(answer);
    if (status === 401 && !refused) {
      refused = true;
      tries--;
      host.challenge = parseChallenge(answer.headers["www-authenticate"]) ?? host.challenge;
      forgetToken(host, question.scopes);
      continue;
    }
    if (status === 401 || status === 403)
      throw registryDenied(await refusalOf(repository, host, { scopes: question.scopes, answer: detail }), status);
    if (!isPassingStatus(status) || last) {
      throw registryFailed({ method: question.method, url: withoutQuery(answer.url), status, answer: detail });
    }
    await pause(repository.client.options, tries, answer.headers["retry-after"]);
  }
}

/** What a registry said when it refused, with the credential file in use: for messages of callers that accept the status. */
export async function describeRefusal(
  repository: Repository,
  question: Pick<Ask, "scopes">,
  answer: HttpAnswer,
): Promise<Refusal> {
  const host = await connect(repository.client, repository);
  return refusalOf(repository, host, { scopes: question.scopes, answer: await readAnswer(answer) });
}

/** The absolute URL of an answer's Location header; the URL asked for if there is none. */
export function locationOf(answer: HttpAnswer): string {
  return new URL(answer.headers["location"] ?? "", answer.url).href;
}

async function sendOnce(repository: Repository, host: Host, question: Ask): Promise<HttpAnswer> {
  const { client } = repository;
  let url = new URL(question.path, host.origin);
  for (let hops = 0; ; hops++) {
    const own = url.origin === host.origin;
    const target = own ? host : await connectForeign(client, url);
    const authorization = own ? await authorize(repository, host, question.scopes) : undefined;
    const headers = { ...question.headers, ...(authorization !== undefined && { authorization }) };
    const release = await target.slots.take(client.options.signal);
    let answer: HttpAnswer;
    try {
      answer = await send(target.connection, {
        method: question.method,
        url,
        headers,
        ...(question.body && { body: question.body }),
        ...(client.options.signal && { signal: client.options.signal }),
      });
      answer.body.once("close", release);
    } catch (error) {
      release();
      throw isCertificateError(error) ? certificateRefused(url.host, error) : error;
    }
    const location = answer.headers["location"];
    const moved =
      [301, 302, 303, 307, 308].includes(answer.status) && (question.method === "GET" || question.method === "HEAD");
    if (!moved || location === undefined || hops >= maxRedirects) return answer;
    dropBody(answer);
    url = new URL(location, url);
  }
}

/** `CODE: message` of a registry's answer, else its first line. */
async function readAnswer(answer: HttpAnswer): Promise<readonly string[]> {
  const text = await readText(answer, answerLimit).catch(() => "");
  try {
    const { errors } = JSON.parse(text) as { errors?: readonly { code?: unknown; message?: unknown }[] };
    if (Array.isArray(errors))
      return errors.map(({ code, message }) =>
        [code, message].filter((part) => typeof part === "string" && part !== "").join(": "),
      );
  } catch {
    // Not every server answers in JSON.
  }
  const line = text.split("\n")[0]?.trim().slice(0, 200) ?? "";
  return line === "" || line.startsWith("<") ? [] : [line];
}

function withoutQuery(url: URL): string {
  return url.origin + url.pathname;
}
