/** One HTTP request: certificates, proxies, idle time, streaming both ways. Only importer of node:http and node:https; does not know registries. */
import {
  Agent,
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { Agent as SecureAgent, request as requestSecure } from "node:https";
import { connect as connectSocket, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { findProxy } from "./proxy.ts";
import type { TlsFacts } from "./tls.ts";

/** A body that can be sent again. */
export type Body = Uint8Array | { readonly size: number; readonly open: () => AsyncIterable<Uint8Array> };

/** What is sent. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly signal?: AbortSignal;
}

/** What comes back once the headers are there. The body must be read or destroyed. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: IncomingMessage;
  readonly url: URL;
}

/** Connections to one host. */
export interface Connection {
  readonly tls: TlsFacts;
  /** Whether certificates are checked. */
  readonly verify: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A request that hears nothing for so long fails. */
  readonly idleMs: number;
  readonly plainAgent: Agent;
  readonly secureAgent: SecureAgent;
}

/** Connections to a host; sockets are kept for the next request. */
export function createConnection(facts: Pick<Connection, "tls" | "verify" | "env" | "idleMs">): Connection {
  const { ca, cert, key } = facts.tls;
  const pair = cert === undefined || key === undefined ? {} : { cert, key };
  const secureAgent = new SecureAgent({ keepAlive: true, rejectUnauthorized: facts.verify, ca: [...ca], ...pair });
  const plainAgent = Object.assign(new Agent({ keepAlive: true }), { createConnection: connectPlain });
  return { ...facts, plainAgent, secureAgent };
}

/** Closes the kept sockets. */
export function closeConnection(connection: Connection): void {
  connection.plainAgent.destroy();
  connection.secureAgent.destroy();
}

/** Sends one request; resolves when the headers of the answer are there. Rejects with the socket's error. */
export async function send(connection: Connection, request: HttpRequest): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = createRequest(connection, request);
    outgoing.setTimeout(connection.idleMs, () => {
      outgoing.destroy(
        Object.assign(new Error(`nothing was heard for ${connection.idleMs / 1000} s`), { code: "ETIMEDOUT" }),
      );
    });
    // After the answer the socket may still fail to take the rest of a body that the server did not want.
    outgoing.on("error", reject);
    outgoing.on("response", (body) => {
      resolve({ status: body.statusCode ?? 0, headers: flatten(body), body, url: request.url });
    });
    writeBody(outgoing, request.body);
  });
}

/** The body as text, at most `limit` bytes of it. */
export async function readText(answer: HttpAnswer, limit: number): Promise<string> {
  return (await readBytes(answer, limit)).toString("utf8");
}

/** The body, at most `limit` bytes of it; what is longer is cut there. */
export async function readBytes(answer: HttpAnswer, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

/** Reads the body to its end and forgets it, so that the socket can be used again. */
export function dropBody(answer: HttpAnswer): void {
  answer.body.on("error", () => undefined).resume();
}

function createRequest(connection: Connection, request: HttpRequest): ClientRequest {
  const { url, method } = request;
  const { body } = request;
  const length =
    body === undefined
      ? method === "GET" || method === "HEAD"
        ? {}
        : { "content-length": "0" }
      : { "content-length": String(body instanceof Uint8Array ? body.length : body.size) };
  const headers: Record<string, string> = { "user-agent": "bt", ...request.headers, ...length };
  const proxy = findProxy(url, connection.env);
  const options: RequestOptions = { method, headers, ...(request.signal && { signal: request.signal }) };
  if (url.protocol === "https:") {
    if (proxy === undefined) return requestSecure(url, { ...options, agent: connection.secureAgent });
    const tunnel: RequestOptions["createConnection"] = (_, callback) => {
      openTunnel(connection, { url, proxy }).then(
        (socket) => callback(null, socket),
        (error: Error) => callback(error, undefined as unknown as Socket),
      );
      return undefined;
    };
    return requestSecure(url, { ...options, createConnection: tunnel });
  }
  if (proxy === undefined) return requestPlain(url, { ...options, agent: connection.plainAgent });
  const through = { ...headers, host: url.host, ...proxyAuthorization(proxy) };
  return requestPlain({
    ...options,
    headers: through,
    host: proxy.hostname,
    port: proxy.port || 80,
    path: url.href,
    agent: connection.plainAgent,
  });
}

/** Where all sockets put what they read: Node's parser takes its copy before the next one reads. */
const received = Buffer.allocUnsafeSlow(1 << 20);

/** A socket that reads up to 1 MiB at once; with Node's 64 KiB a large body takes twice the time. */
function connectPlain(options: NetConnectOpts): Socket {
  const take = (length: number): boolean => {
    socket.emit("data", received.subarray(0, length));
    return true; // Go on reading; who wants a pause says so itself.
  };
  const socket = connectSocket({ ...options, onread: { buffer: received, callback: take } });
  return socket;
}

async function openTunnel(connection: Connection, target: { readonly url: URL; readonly proxy: URL }): Promise<Socket> {
  const { url, proxy } = target;
  const path = `${url.hostname}:${url.port || 443}`;
  const plain = await new Promise<Socket>((resolve, reject) => {
    const headers = { host: path, ...proxyAuthorization(proxy) };
    const asked = requestPlain({
      method: "CONNECT",
      host: proxy.hostname,
      port: proxy.port || 80,
      path,
      headers,
      agent: false,
    });
    asked.setTimeout(connection.idleMs, () => asked.destroy(new Error("the proxy does not answer")));
    asked.on("error", reject).on("connect", (answer, socket) => {
      if (answer.statusCode === 200) resolve(socket as Socket);
      else reject(new Error(`the proxy ${proxy.host} answers ${answer.statusCode ?? 0}`));
    });
    asked.end();
  });
  const { ca, cert, key } = connection.tls;
  const pair = cert === undefined || key === undefined ? {} : { cert, key };
  const servername = /^[\d.]+$|:/.test(url.hostname) ? {} : { servername: url.hostname };
  return new Promise((resolve, reject) => {
    const secure = connectTls({
      socket: plain,
      host: url.hostname,
      ...servername,
      rejectUnauthorized: connection.verify,
      ca: [...ca],
      ...pair,
    });
    secure.on("error", reject).on("secureConnect", () => resolve(secure));
  });
}

function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A part is handed to the kernel before the next one is asked for, so that whoever makes them may use one buffer again and again. */
function writeBody(outgoing: ClientRequest, body: Body | undefined): void {
  if (body === undefined || body instanceof Uint8Array) {
    outgoing.end(body);
    return;
  }
  const write = (chunk: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error("the connection was closed"));
      outgoing.once("close", lost);
      outgoing.write(chunk, (error) => {
        outgoing.off("close", lost);
        if (error) reject(error);
        else resolve();
      });
    });
  const copy = async (): Promise<void> => {
    for await (const chunk of body.open()) await write(chunk);
    outgoing.end();
  };
  copy().catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))));
}

function flatten(message: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}
