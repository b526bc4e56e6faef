/** Reads what package repositories have now, each once a run. Credentials travel in headers only; does not know when a digest matters. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Address, Source } from "./address.ts";
import { digestMetadata, hash, type ReadFile } from "./metadata.ts";

/** A repository's digest, or why there is none. */
export type Answer = { readonly digest: string } | { readonly problem: string };

/** Answers of this run: many recipes use the same repository. */
export type Answers = Map<string, Promise<Answer>>;

/** Milliseconds for one file. */
const patienceMs = 15_000;

/** Asks a repository. Never rejects. */
export async function askRepository(
  source: Source,
  arch: string,
  options: { answers: Answers; signal: AbortSignal },
): Promise<Answer> {
  const { answers, signal } = options;
  const key = JSON.stringify([source.address, source.type, source.distribution, source.components, arch]);
  const answer =
    answers.get(key) ??
    digestSource(source, arch, signal).then(
      (digest): Answer => ({ digest }),
      (error: unknown): Answer => ({ problem: messageOf(error) }),
    );
  answers.set(key, answer);
  return await answer;
}

async function digestSource(source: Source, arch: string, signal: AbortSignal): Promise<string> {
  const { address } = source;
  switch (address.kind) {
    case "web":
      return await digestMetadata(source, arch, webReader(address, signal));
    case "file":
      return `sha256:${await digestFile(address.path)}`;
    case "folder":
      return await digestFolder(source, { arch, folder: address.path });
    case "elsewhere":
      throw new Error(`only a build service knows "${address.source}"`);
  }
}

function webReader(address: Extract<Address, { kind: "web" }>, signal: AbortSignal): ReadFile {
  const { url, user, password = "" } = address;
  const pass =
    user === undefined ? {} : { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  return async (path) => {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const response = await fetch(`${url}/${path}`, {
      headers: { "cache-control": "no-cache", ...pass },
      signal: patience,
    });
    if (response.ok) return await response.text();
    await response.body?.cancel();
    if (response.status === 404 || response.status === 410) return undefined;
    throw new Error(`${url}/${path} answers ${response.status}`);
  };
}

/** Metadata if the folder has some, else its packages. */
async function digestFolder(source: Source, { arch, folder }: { arch: string; folder: string }): Promise<string> {
  const read: ReadFile = async (path) =>
    await readFile(join(folder, path), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
      throw error;
    });
  const names = (await readdir(folder)).sort();
  if (names.some(isMetadata)) return await digestMetadata(source, arch, read);
  const lines: string[] = [];
  for (const name of names.filter(isPackage)) {
    const path = join(folder, name);
    lines.push(`${name} ${(await stat(path)).size} ${await digestFile(path)}`);
  }
  return hash(lines.join("\n"));
}

/** Whether a folder with such a name in it has metadata. */
export function isMetadata(name: string): boolean {
  return ["dists", "repodata", "suse", "content", "InRelease", "Release"].includes(name);
}

export function isPackage(name: string): boolean {
  return /\.(rpm|deb)$/.test(name);
}

/** Hex SHA-256 of a file of any size. */
export async function digestFile(path: string): Promise<string> {
  const sum = createHash("sha256");
  await pipeline(createReadStream(path), sum);
  return sum.digest("hex");
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error; // `fetch` says only "fetch failed".
  return cause instanceof Error && cause.message !== ""
    ? cause.message
    : cause instanceof AggregateError
      ? "connection refused"
      : error.message;
}
