/** Downloads from http, https and file addresses, tried again when the network fails. Does not know what is inside. */
import { createHash, randomUUID, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Checksum } from "./repomd.ts";

/** How hard to try. */
export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Tries after the first. */
  readonly retries: number;
}

/** What went wrong with one try. */
type Reason =
  | { readonly kind: "absent"; readonly status: string }
  | { readonly kind: "network"; readonly problem: string }
  | { readonly kind: "size"; readonly expected: number; readonly found: number }
  | { readonly kind: "checksum"; readonly algorithm: string; readonly expected: string; readonly found: string };

/** What went wrong with one address. */
export interface DownloadFailure {
  readonly url: string;
  readonly attempts: number;
  readonly reason: Reason;
}

/** What a file has to be. */
export interface Expected {
  readonly checksum: Checksum;
  /** Bytes. Absent: any. */
  readonly size?: number;
}

/** Milliseconds before the second try; doubled each time. */
const firstPauseMs = 250;

/** A small file as text, or why it cannot be had. */
export async function downloadText(url: string, options: DownloadOptions): Promise<string | DownloadFailure> {
  return await tryAgain(url, options, async () => {
    const parts: Buffer[] = [];
    for await (const chunk of await openUrl(url, options.signal)) parts.push(chunk as Buffer); // Without an encoding a stream gives bytes.
    return Buffer.concat(parts).toString("utf8");
  });
}

/** Writes a file whose bytes are the expected ones; anything else leaves no file. Undefined: done. */
export async function downloadFile(
  url: string,
  file: string,
  { checksum, size, ...options }: Expected & DownloadOptions,
): Promise<DownloadFailure | undefined> {
  const staged = `${file}.${randomUUID()}.part`;
  await mkdir(path.dirname(file), { recursive: true });
  return await tryAgain(url, options, async () => {
    const target = (await open(staged, "w")).createWriteStream(); // One that opens it itself may do so after it was removed.
    try {
      const hash = createHash(checksum.algorithm);
      const counted = { bytes: 0 };
      await pipeline(
        await openUrl(url, options.signal),
        (source: AsyncIterable<Buffer>) => count(source, hash, counted),
        target,
        { signal: options.signal },
      );
      const found = hash.digest("hex");
      if (size !== undefined && counted.bytes !== size)
        throw new Refusal({ kind: "size", expected: size, found: counted.bytes });
      const { algorithm, hex } = checksum;
      if (found !== hex) throw new Refusal({ kind: "checksum", algorithm, expected: hex, found });
      await rename(staged, file);
      return undefined;
    } finally {
      target.destroy();
      await rm(staged, { force: true });
    }
  });
}

/** The digest of a file on disk. */
export async function hashFile(file: string, algorithm: Checksum["algorithm"]): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** What went wrong, as the end of a sentence. */
export function describeFailure({ reason, attempts }: DownloadFailure): string {
  const tries = `after ${attempts} ${attempts === 1 ? "try" : "tries"}`;
  switch (reason.kind) {
    case "absent":
      return `the server says ${reason.status}`;
    case "network":
      return `${reason.problem}, ${tries}`;
    case "size":
      return `it should have ${reason.expected} bytes and has ${reason.found}, ${tries}`;
    case "checksum":
      return `its ${reason.algorithm} should be ${reason.expected} and is ${reason.found}, ${tries}`;
  }
}

/** A failure on its way to `tryAgain`. */
class Refusal extends Error {
  readonly reason: Reason;
  constructor(reason: Reason) {
    super(reason.kind);
    this.reason = reason;
  }
}

async function tryAgain<T>(
  url: string,
  { signal, retries }: DownloadOptions,
  work: () => Promise<T>,
): Promise<T | DownloadFailure> {
  for (let attempts = 1, pauseMs = firstPauseMs; ; attempts++, pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const reason: Reason =
        error instanceof Refusal ? error.reason : { kind: "network", problem: networkProblem(error) };
      if (reason.kind === "absent" || attempts > retries) return { reason, url: hideCredentials(url), attempts };
      await pause(pauseMs, undefined, { signal });
    }
  }
}

async function* count(source: AsyncIterable<Buffer>, hash: Hash, counted: { bytes: number }): AsyncIterable<Buffer> {
  for await (const chunk of source) {
    hash.update(chunk);
    counted.bytes += chunk.length;
    yield chunk;
  }
}

async function openUrl(url: string, signal: AbortSignal): Promise<Readable> {
  if (url.startsWith("file:")) return await openLocal(fileURLToPath(url));
  const { plain, headers } = splitCredentials(url);
  const response = await fetch(plain, { signal, headers, redirect: "follow" });
  if (response.ok && response.body !== null) return Readable.fromWeb(response.body as ReadableStream);
  await response.body?.cancel();
  const status = `${response.status} ${response.statusText}`.trim();
  if (response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429)
    throw new Refusal({ kind: "absent", status });
  throw new Error(`the server says ${status}`);
}

/** `https://user:secret@mirror/` is an address and a header. */
function splitCredentials(text: string): {
  readonly plain: string;
  readonly headers: Readonly<Record<string, string>>;
} {
  const url = new URL(text);
  if (url.username === "") return { plain: text, headers: {} };
  const words = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = url.password = "";
  return { plain: url.href, headers: { authorization: `Basic ${Buffer.from(words).toString("base64")}` } };
}

/** What a message may show of an address. */
export function hideCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, "$1***@");
}

async function openLocal(file: string): Promise<Readable> {
  const source = createReadStream(file);
  return await new Promise((resolve, reject) => {
    source.once("open", () => resolve(source));
    source.once("error", (error: NodeJS.ErrnoException) => {
      reject(new Refusal({ kind: "absent", status: error.code ?? error.message }));
    });
  });
}

/** Node's client hides the reason in the cause. */
function networkProblem(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException; // Undefined on anything but system errors.
  return (cause.message === "" ? (code ?? cause.name) : cause.message).split("\n")[0]!;
}
