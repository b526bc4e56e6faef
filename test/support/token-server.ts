/** A token server that docker-registry trusts: RS256 tokens with the rights that were asked for. */
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { startServer, type TestServer } from "./fake-registry.ts";

/** How it answers. */
export interface TokenServerFacts {
  readonly certificate: string;
  readonly key: string;
  /** Base64 of `user:password` that is asked for. Absent: everybody gets a token. */
  readonly login?: string;
  /** Lifetime of the n-th token (from 1) in seconds. Default: 300. */
  readonly lifetime?: (n: number) => number;
}

/** Starts it; the realm is `http://HOST/token`. */
export async function startTokenServer(facts: TokenServerFacts): Promise<TestServer> {
  const key = createPrivateKey(await readFile(facts.key));
  const x5c = [new X509Certificate(await readFile(facts.certificate)).raw.toString("base64")];
  let n = 0;
  return startServer((asked, answer) => {
    const url = new URL(asked.url ?? "/", "http://token");
    const wanted = facts.login === undefined ? undefined : `Basic ${Buffer.from(facts.login).toString("base64")}`;
    if (wanted !== undefined && asked.headers.authorization !== wanted) {
      answer.writeHead(401).end("{}");
      return;
    }
    const access = url.searchParams
      .getAll("scope")
      .flatMap((scope) => scope.split(" "))
      .map((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return { type, name, actions: actions.split(",") };
      });
    const now = Math.floor(Date.now() / 1000);
    const lifetime = facts.lifetime?.(++n) ?? 300;
    const times = { exp: now + lifetime, nbf: now - 60, iat: now };
    const claims = { iss: "bt", aud: "oven", sub: "baker", jti: randomUUID(), access, ...times };
    const text = [{ typ: "JWT", alg: "RS256", x5c }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const token = `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`;
    answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token, expires_in: 300 }));
  });
}
