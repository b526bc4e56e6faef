/** The repositories as they are at one moment: fetched, checked, parsed once. Does not know what is wanted of them. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { isBtError } from "../../core/index.ts";
import { findCompression, openPacked } from "./decompress.ts";
import { downloadFile, downloadText, hashFile, hideCredentials, type DownloadOptions } from "./download.ts";
import { metadataDamaged, repositoriesFailed, repositoryOffline, repositoryUnreachable } from "./repository-errors.ts";
import { inTurn } from "./in-turn.ts";
import { readPrimary, type OnPackage, type Package } from "./primary.ts";
import type { Repository, RepositoryList } from "./repofile.ts";
import { parseRepomd, type Repomd } from "./repomd.ts";

/** One repository of the snapshot. */
export interface Source {
  readonly repository: Repository;
  readonly stream: string;
  /** Lowercase hex SHA-256 of `repomd.xml`. */
  readonly digest: string;
  readonly revision: string;
  /** The primary file in the cache. */
  readonly primary: string;
}

/** All packages of all repositories. */
export interface Snapshot {
  readonly sources: readonly Source[];
  readonly byName: ReadonlyMap<string, readonly Package[]>;
  readonly warnings: readonly string[];
}

export interface SnapshotOptions extends DownloadOptions {
  /** Absolute. */
  readonly cacheDir: string;
  readonly offline: boolean;
  /** rpm's names; repositories of others are left out. */
  readonly arches: readonly string[];
}

/** Repositories fetched at the same time. */
const parallel = 6;

/**
 * Fetches what is new and reads everything.
 * @throws BtError RPM_DEPS_REPOSITORY_UNREACHABLE, RPM_DEPS_METADATA_DAMAGED, RPM_DEPS_REPOSITORY_OFFLINE
 */
export async function loadSnapshot(
  lists: readonly { readonly stream: string; readonly list: RepositoryList }[],
  options: SnapshotOptions,
): Promise<Snapshot> {
  const wanted = lists.flatMap(({ stream, list }) =>
    list.repositories
      .filter(({ isDisabled, arch }) => !isDisabled && (arch === undefined || options.arches.includes(arch)))
      .map((repository) => ({ stream, repository })),
  );
  const warnings = [
    ...lists.flatMap(({ list }) => list.warnings),
    ...wanted.flatMap(({ repository: { name, baseurl } }) =>
      baseurl === undefined ? [`Repository "${name}" has only a metalink, so its packages are not checked`] : [],
    ),
  ];
  const fetched = await inTurn(
    wanted.filter(({ repository }) => repository.baseurl !== undefined),
    parallel,
    async ({ stream, repository }) =>
      await fetchSource(stream, repository, options).catch((error: unknown) => {
        if (isBtError(error)) return error; // The others are asked as well: one message names all.
        throw error;
      }),
  );
  const failures = fetched.filter((one) => isBtError(one));
  if (failures.length > 0) throw repositoriesFailed(failures);
  const sources = fetched.filter((one): one is Source => !isBtError(one));
  await dropUnused(sources, options);
  const byName = new Map<string, Package[]>();
  const texts = new Map<string, string>();
  for (const position of sources.keys())
    await readSource(sources, position, {
      relations: false,
      onPackage: (found) => {
        const own = ownTexts(found, texts);
        const same = byName.get(own.name);
        if (same === undefined) byName.set(own.name, [own]);
        else same.push(own);
      },
    });
  return { sources, byName, warnings: [...new Set(warnings)] };
}

/** Reads one repository of a snapshot, again for what the snapshot does not keep. @throws BtError RPM_DEPS_METADATA_DAMAGED */
export async function readSource(
  sources: readonly Source[],
  position: number,
  options: { readonly relations: boolean; readonly onPackage: OnPackage },
): Promise<void> {
  const { primary, repository } = sources[position]!;
  const compression = await findCompression(primary);
  if (compression === undefined)
    throw metadataDamaged(
      repository.name,
      primary,
      "is packed in a way that bt does not know; it knows gz, xz and zst",
    );
  try {
    await readPrimary(await openPacked(primary, compression), position, options);
  } catch (error) {
    throw metadataDamaged(
      repository.name,
      primary,
      `cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** The names of the repositories that are no longer what the snapshot has. */
export async function findChanged(snapshot: Snapshot, options: SnapshotOptions): Promise<readonly string[]> {
  if (options.offline) return [];
  const now = await inTurn(snapshot.sources, parallel, async ({ repository }) => {
    const { text } = await fetchRepomd(repository, options);
    return sha256(text);
  });
  return snapshot.sources.filter(({ digest }, at) => now[at] !== digest).map(({ repository }) => repository.name);
}

/** The packages of a name that one architecture of one stream can have. */
export function findPackages(
  snapshot: Snapshot,
  name: string,
  { stream, arch }: { readonly stream: string; readonly arch: string },
): readonly Package[] {
  return (snapshot.byName.get(name) ?? []).filter((one) => {
    const source = snapshot.sources[one.repository]!;
    return source.stream === stream && isFor(source.repository, arch) && (one.arch === arch || one.arch === "noarch");
  });
}

/** Whether a repository counts for an architecture. */
export function isFor(repository: Repository, arch: string): boolean {
  return repository.arch === undefined || repository.arch === arch;
}

async function fetchSource(stream: string, repository: Repository, options: SnapshotOptions): Promise<Source> {
  const { text, url } = await fetchRepomd(repository, options);
  const repomd = parseRepomd(text);
  if ("problem" in repomd)
    throw metadataDamaged(repository.name, hideCredentials(url), `cannot be used: ${repomd.problem}`);
  const primary = await fetchPrimary(repository, repomd, options);
  return { repository, stream, digest: sha256(text), revision: repomd.revision, primary };
}

/** Primary files that no run has used for a month. */
const keptMs = 30 * 24 * 3600 * 1000;

async function dropUnused(sources: readonly Source[], { cacheDir }: SnapshotOptions): Promise<void> {
  const now = new Date();
  for (const { primary } of sources) await utimes(primary, now, now);
  const folder = path.join(cacheDir, "primary");
  for (const name of sources.length === 0 ? [] : await readdir(folder)) {
    const { mtimeMs } = await stat(path.join(folder, name)).catch(() => ({ mtimeMs: Infinity })); // Another run was faster.
    if (now.getTime() - mtimeMs > keptMs) await rm(path.join(folder, name), { force: true });
  }
}

async function fetchRepomd(
  repository: Repository,
  options: SnapshotOptions,
): Promise<{ readonly text: string; readonly url: string }> {
  const url = `${repository.baseurl ?? ""}repodata/repomd.xml`;
  const kept = path.join(options.cacheDir, "repomd", `${sha256(url)}.xml`);
  if (options.offline) {
    const text = await readFile(kept, "utf8").catch(() => undefined);
    if (text === undefined) throw repositoryOffline(repository.name, hideCredentials(url));
    return { text, url };
  }
  const text = await downloadText(url, options);
  if (typeof text !== "string") throw repositoryUnreachable(repository.name, text);
  await mkdir(path.dirname(kept), { recursive: true });
  const staged = `${kept}.${randomUUID()}`; // Two streams may name one repository.
  await writeFile(staged, text);
  await rename(staged, kept);
  return { text, url };
}

/** The primary file in the cache, named by its checksum. */
async function fetchPrimary(repository: Repository, { primary }: Repomd, options: SnapshotOptions): Promise<string> {
  const { checksum, href, size } = primary;
  const file = path.join(options.cacheDir, "primary", checksum.hex);
  const url = new URL(href, repository.baseurl).href;
  const kept = await stat(file).catch(() => undefined);
  if (kept !== undefined && (await hashFile(file, checksum.algorithm)) === checksum.hex) return file;
  if (options.offline) throw repositoryOffline(repository.name, hideCredentials(url));
  const { signal, retries } = options;
  const failure = await downloadFile(url, file, { checksum, signal, retries, ...(size === undefined ? {} : { size }) });
  if (failure !== undefined) throw repositoryUnreachable(repository.name, failure);
  return file;
}

/** Texts that do not keep the whole document in memory; equal ones are the same. */
function ownTexts(found: Package, texts: Map<string, string>): Package {
  const own = (text: string): string => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    const copy = Buffer.from(text).toString();
    texts.set(copy, copy);
    return copy;
  };
  return {
    name: own(found.name),
    arch: own(found.arch),
    epoch: own(found.epoch),
    version: own(found.version),
    release: own(found.release),
    checksumType: own(found.checksumType),
    checksum: Buffer.from(found.checksum).toString(),
    href: Buffer.from(found.href).toString(),
    repository: found.repository,
    ...(found.base === undefined ? {} : { base: own(found.base) }),
  };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
