/** A server of files in Bazel's layout: `DOMAIN/ac/KEY` and `DOMAIN/cas/SHA256`. Does not know who is trusted. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as zlib from "node:zlib";
import type { Blob } from "../../core/index.ts";
import { openHttp, type Body, type Connection, type HttpAnswer } from "../multiarch-manifest/library.ts";
import { parseNote, renderActionResult } from "./action-result.ts";
import { requestFailed } from "./errors.ts";
import type { HttpCacheOptions } from "./options.ts";
import type { Login } from "./secret.ts";
import { readAll, recordLimit, type Entry, type Shelf, type Shelves } from "./shelf.ts";

/** Who asks, and from where. */
export interface HttpSite {
  readonly options: HttpCacheOptions;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined: nobody in particular. */
  readonly login: Login | undefined;
  readonly timeoutMs: number;
}

/** `ac` bodies are small; what is larger is none of ours. */
const entryLimit = 4 << 20;
/** Node 22.15 and newer can unpack it, and then servers that compress are told. */
const { createZstdDecompress } = zlib as { readonly createZstdDecompress?: () => NodeJS.ReadWriteStream };

interface Question {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly url: URL;
  readonly body?: Body;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The shelves of these domains. Connects when the first of them is asked. */
export async function openHttpShelves(site: HttpSite, domains: readonly string[]): Promise<Shelves> {
  const { options, env, timeoutMs } = site;
  const http = await openHttp();
  const base = new URL(options.url);
  const connection = await connect(http, base, { ca: options.ca, env, timeoutMs });
  const authorization = site.login === undefined ? {} : { authorization: renderLogin(site.login) };

  /** Sends it once more when the server had closed a kept connection. @throws BtError CACHE_REQUEST_FAILED */
  const ask = async (question: Question): Promise<HttpAnswer | undefined> => {
    const { method, url, body, signal } = question;
    const headers = { ...question.headers, ...authorization };
    const send = (): Promise<HttpAnswer> =>
      http.send(connection, { method, url, headers, signal, ...(body === undefined ? {} : { body }) });
    const answer = await send().catch((error: unknown) => {
      if (signal.aborted || !isLostConnection(error)) throw error;
      return send();
    });
    if (answer.status >= 200 && answer.status < 300) return answer;
    http.dropBody(answer);
    if (answer.status === 404 || answer.status === 410) return undefined;
    throw requestFailed(method, url.href, answer.status);
  };
  const put = async (url: URL, body: Body, signal: AbortSignal): Promise<void> => {
    const answer = await ask({ method: "PUT", url, body, signal });
    if (answer === undefined) throw requestFailed("PUT", url.href, 404);
    http.dropBody(answer);
  };
  const openShelf = (domain: string): Shelf => {
    const place = `${base.href.replace(/\/$/, "")}/${domain}`;
    const entryUrl = (key: string): URL => new URL(`${place}/ac/${key}`);
    const blobUrl = (digest: string): URL => new URL(`${place}/cas/${digest}`);
    const readBlob: Shelf["readBlob"] = async ({ digest }, signal) => {
      const headers = createZstdDecompress === undefined ? {} : { "accept-encoding": "zstd" };
      const answer = await ask({ method: "GET", url: blobUrl(digest), signal, headers });
      return answer && unpack(answer);
    };
    const putBytes = (bytes: Buffer, signal: AbortSignal): Promise<void> =>
      put(blobUrl(createHash("sha256").update(bytes).digest("hex")), bytes, signal);
    return {
      domain,
      place,
      readBlob,
      hasBlob: async ({ digest, size }, signal) => {
        const answer = await ask({ method: "HEAD", url: blobUrl(digest), signal });
        if (answer === undefined) return false;
        http.dropBody(answer);
        // What was cut is written again.
        return Number(answer.headers["content-length"] ?? size) === size;
      },
      writeBlob: ({ digest, size }, open, signal) => put(blobUrl(digest), { size, open }, signal),
      findEntry: async (key, signal) => {
        const answer = await ask({ method: "GET", url: entryUrl(key), signal });
        const body = answer && (await readAll(answer.body, entryLimit));
        const note = body && parseNote(body);
        if (note === undefined || note.record.size > recordLimit) return undefined;
        const record = await readRecord(await readBlob(note.record, signal), note.record);
        return record && { record, ...(note.signature === undefined ? {} : { signature: note.signature }) };
      },
      writeEntry: async (result, { record, signature }: Entry, signal) => {
        const blob = { digest: createHash("sha256").update(record).digest("hex"), size: record.length };
        const note = { record: blob, domain, ...(signature === undefined ? {} : { signature }) };
        const { body, trees } = renderActionResult(result, note);
        for (const bytes of [record, ...trees]) await putBytes(bytes, signal);
        await put(entryUrl(result.key), body, signal);
      },
    };
  };
  return { shelves: domains.map(openShelf), close: async () => http.closeConnection(connection) };
}

type Http = Awaited<ReturnType<typeof openHttp>>;

async function connect(
  http: Http,
  base: URL,
  facts: { readonly ca: string | undefined; readonly env: Connection["env"]; readonly timeoutMs: number },
): Promise<Connection> {
  const { ca, env, timeoutMs: idleMs } = facts;
  const bare = { ca: [] };
  if (base.protocol === "http:") return http.createConnection({ tls: bare, verify: true, env, idleMs });
  const own = ca === undefined ? [] : [await readFile(ca, "utf8")];
  const tls = await http.loadTls(base.host, env);
  return http.createConnection({ tls: { ...tls, ca: [...tls.ca, ...own] }, verify: true, env, idleMs });
}

function renderLogin({ user, secret }: Login): string {
  return user === "" ? `Bearer ${secret}` : `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

function unpack(answer: HttpAnswer): AsyncIterable<Uint8Array> {
  if (answer.headers["content-encoding"] !== "zstd" || createZstdDecompress === undefined) return answer.body;
  const unpacked = createZstdDecompress();
  answer.body.on("error", (error) => unpacked.emit("error", error));
  return answer.body.pipe(unpacked) as unknown as AsyncIterable<Uint8Array>; // Node's streams of bytes are that.
}

/** Undefined: it is not what the note names. */
async function readRecord(chunks: AsyncIterable<Uint8Array> | undefined, blob: Blob): Promise<Buffer | undefined> {
  const bytes = chunks && (await readAll(chunks, blob.size));
  return bytes && createHash("sha256").update(bytes).digest("hex") === blob.digest ? bytes : undefined;
}

function isLostConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ECONNRESET" || error.code === "EPIPE");
}
