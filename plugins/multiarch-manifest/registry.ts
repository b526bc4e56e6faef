/** Manifests, blobs and tags of one repository, as OCI Distribution says. Does not know how requests are sent, nor what is published when. */
import { ask, describeRefusal } from "./client.ts";
import { digestOf, isDigest } from "./digest.ts";
import { parseDocument } from "./document.ts";
import { blobCorrupt, blobMissing } from "./errors.ts";
import { openRepository, type Client, type Repository } from "./host.ts";
import { dropBody, readBytes, type HttpAnswer } from "./http.ts";
import { acceptedManifests, isIndexType, isManifestType } from "./oci.ts";
import type { RegistryReference } from "./reference.ts";
import {
  digestDiffers,
  manifestMissing,
  manifestTooLarge,
  pushDenied,
  registryFailed,
  schemaGivenUp,
} from "./registry-errors.ts";
import type { Source, Stored } from "./source.ts";

/** What a name stands for now. */
export interface Head {
  readonly digest: string;
  readonly mediaType: string;
}

const manifestLimit = 4 * 1024 * 1024;

/** The scope to read a repository. */
export function pullScope(repository: Repository): string {
  return `repository:${repository.name}:pull`;
}

/** The scope to read and write a repository. */
export function pushScope(repository: Repository): string {
  return `repository:${repository.name}:pull,push`;
}

/** The scope to remove something; registries ask for it even to give an upload up. */
export function deleteScope(repository: Repository): string {
  return `repository:${repository.name}:pull,push,delete`;
}

/** `HOST/REPO:TAG` or `HOST/REPO@DIGEST`. */
export function imageOf(repository: Repository, name: string): string {
  return `${repository.place}${isDigest(name) ? "@" : ":"}${name}`;
}

/**
 * A manifest or index by tag or digest, its hash checked. Undefined: there is none.
 * @throws BtError REGISTRY_DIGEST, REGISTRY_SCHEMA_1, MANIFEST_DOCUMENT_MALFORMED
 */
export async function findManifest(repository: Repository, name: string): Promise<Stored | undefined> {
  const answer = await askManifest(repository, "GET", name);
  if (answer.status === 404) return drop(answer);
  const where = imageOf(repository, name);
  const bytes = await readBytes(answer, 2 * manifestLimit);
  const digest = digestOf(bytes);
  const mediaType = typeOf(answer);
  if (mediaType?.includes("manifest.v1") === true && mediaType.includes("docker")) throw schemaGivenUp(where);
  const announced = answer.headers["docker-content-digest"];
  const expected = isDigest(name) ? name : announced !== undefined && isDigest(announced) ? announced : digest;
  if (digest !== expected) throw digestDiffers(where, expected, digest);
  const known =
    mediaType !== undefined && (isIndexType(mediaType) || isManifestType(mediaType)) ? mediaType : undefined;
  return { digest, bytes, document: parseDocument(bytes, where, known) };
}

/** What a tag stands for now, without its bytes where the registry allows it. Undefined: there is no such tag. */
export async function findHead(repository: Repository, name: string): Promise<Head | undefined> {
  const answer = await askManifest(repository, "HEAD", name);
  dropBody(answer);
  if (answer.status === 404) return undefined;
  const digest = answer.headers["docker-content-digest"];
  const mediaType = typeOf(answer);
  if (digest !== undefined && isDigest(digest) && mediaType !== undefined) return { digest, mediaType };
  const stored = await findManifest(repository, name);
  return stored && { digest: stored.digest, mediaType: stored.document.mediaType };
}

/**
 * Sends a manifest or index under its digest or under a tag. Resolves to the `OCI-Subject` of the answer, if there is one.
 * @throws BtError REGISTRY_MANIFEST_TOO_LARGE, REGISTRY_PUSH_DENIED
 */
export async function putManifest(
  repository: Repository,
  name: string,
  content: { readonly bytes: Buffer; readonly mediaType: string },
): Promise<{ readonly subject?: string }> {
  const where = imageOf(repository, name);
  if (content.bytes.length > manifestLimit) throw manifestTooLarge(where, content.bytes.length);
  const answer = await ask(repository, {
    method: "PUT",
    path: `/v2/${repository.name}/manifests/${name}`,
    scopes: [pushScope(repository)],
    headers: { "content-type": content.mediaType },
    body: content.bytes,
    accept: [201, 200, 202, 405],
  });
  if (answer.status === 405)
    throw pushDenied(await describeRefusal(repository, { scopes: [pushScope(repository)] }, answer), 405);
  dropBody(answer);
  const digest = answer.headers["docker-content-digest"];
  if (digest !== undefined && isDigest(digest) && digest !== digestOf(content.bytes))
    throw digestDiffers(where, digestOf(content.bytes), digest);
  const subject = answer.headers["oci-subject"];
  return subject === undefined ? {} : { subject };
}

/** Removes a tag, not what it stands for. False: this registry cannot do that. */
export async function deleteTag(repository: Repository, tag: string): Promise<boolean> {
  const path = `/v2/${repository.name}/manifests/${tag}`;
  const scopes = [deleteScope(repository)];
  const answer = await ask(repository, { method: "DELETE", path, scopes, accept: [200, 202, 204, 400, 403, 404, 405] });
  dropBody(answer);
  return answer.status < 300 || answer.status === 404;
}

/** All tags, sorted. Empty also when the repository does not exist. */
export async function listTags(repository: Repository): Promise<readonly string[]> {
  const tags: string[] = [];
  let path: string | undefined = `/v2/${repository.name}/tags/list?n=1000`;
  while (path !== undefined) {
    const answer: HttpAnswer = await ask(repository, {
      method: "GET",
      path,
      scopes: [pullScope(repository)],
      accept: [200, 404],
    });
    if (answer.status === 404) return drop(answer) ?? [];
    const { tags: page } = JSON.parse((await readBytes(answer, 64 << 20)).toString("utf8")) as {
      tags?: readonly string[] | null;
    };
    tags.push(...(page ?? []));
    const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers["link"] ?? "")?.[1];
    path = next === undefined ? undefined : new URL(next, answer.url).href;
  }
  return [...new Set(tags)].sort();
}

/** Size of a blob in bytes. Undefined: the repository does not have it. */
export async function findRemoteBlobSize(repository: Repository, digest: string): Promise<number | undefined> {
  const path = `/v2/${repository.name}/blobs/${digest}`;
  const answer = await ask(repository, { method: "HEAD", path, scopes: [pullScope(repository)], accept: [200, 404] });
  dropBody(answer);
  return answer.status === 200 ? Number(answer.headers["content-length"] ?? Number.NaN) : undefined;
}

/**
 * A blob as a stream; a lost connection is continued where it broke. Its hash is not checked.
 * @throws BtError MANIFEST_BLOB_MISSING
 */
export async function* openRemoteBlob(
  repository: Repository,
  digest: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for (let tries = 1; ; tries++) {
    const answer = await askBlob(repository, digest, offset);
    // A server that ignores Range sends everything again.
    let skip = answer.status === 206 ? 0 : offset;
    try {
      for await (const chunk of answer.body) {
        const rest = (chunk as Buffer).subarray(Math.min(skip, (chunk as Buffer).length));
        skip -= (chunk as Buffer).length - rest.length;
        if (rest.length === 0) continue;
        offset += rest.length;
        yield rest;
      }
      return;
    } catch (error) {
      if (tries >= 5 || repository.client.options.signal?.aborted === true) throw error;
    }
  }
}

/** A source that keeps the documents and configs it has read: by digest they cannot change. For one use of a reference, not for proofs. */
export function keptSource(source: Source): Source {
  const kept = new Map<string, Stored>();
  const blobs = new Map<string, Promise<Buffer>>();
  return {
    ...source,
    readBlob: (digest) => {
      const found = blobs.get(digest) ?? source.readBlob(digest);
      blobs.set(digest, found);
      return found;
    },
    readDocument: async (name) => {
      const stored = kept.get(name ?? "") ?? (await source.readDocument(name));
      kept.set(stored.digest, stored);
      return stored;
    },
  };
}

/** A repository as a source. */
export function repositorySource(repository: Repository): Source {
  return {
    place: repository.place,
    readDocument: async (name = "latest") => {
      const stored = await findManifest(repository, name);
      if (stored === undefined) throw manifestMissing(imageOf(repository, name));
      return stored;
    },
    readBlob: async (digest) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of openRemoteBlob(repository, digest)) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const found = digestOf(bytes);
      if (found !== digest) throw blobCorrupt(repository.place, digest, found);
      return bytes;
    },
    openBlob: async (digest) => openRemoteBlob(repository, digest),
    findBlobSize: (digest) => findRemoteBlobSize(repository, digest),
  };
}

/** The repository and the name in it that a reference asks for; a digest rules over a tag. */
export async function openReference(
  client: Client,
  reference: RegistryReference,
): Promise<{ repository: Repository; name: string }> {
  return { repository: await openRepository(client, reference), name: reference.digest ?? reference.tag ?? "latest" };
}

function askManifest(repository: Repository, method: "GET" | "HEAD", name: string): Promise<HttpAnswer> {
  const path = `/v2/${repository.name}/manifests/${name}`;
  return ask(repository, {
    method,
    path,
    scopes: [pullScope(repository)],
    headers: { accept: acceptedManifests },
    accept: [200, 404],
  });
}

async function askBlob(repository: Repository, digest: string, offset: number): Promise<HttpAnswer> {
  const path = `/v2/${repository.name}/blobs/${digest}`;
  const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
  const answer = await ask(repository, {
    method: "GET",
    path,
    scopes: [pullScope(repository)],
    headers,
    accept: [200, 206, 404],
  });
  if (answer.status === 404) {
    dropBody(answer);
    throw blobMissing(repository.place, digest);
  }
  if (answer.status === 206 && offset === 0)
    throw registryFailed({ method: "GET", url: answer.url.origin + answer.url.pathname, status: 206, answer: [] });
  return answer;
}

function typeOf(answer: HttpAnswer): string | undefined {
  return answer.headers["content-type"]?.split(";")[0]?.trim();
}

function drop(answer: HttpAnswer): undefined {
  dropBody(answer);
  return undefined;
}
