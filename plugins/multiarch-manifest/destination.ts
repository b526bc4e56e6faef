/** Where images are published: a repository of a registry, or a layout. One interface for both; does not know when what is sent. */
import type { Assembled } from "./assemble.ts";
import { openRepository, type Client, type Repository } from "./host.ts";
import { fetchBlob } from "./complete.ts";
import {
  blobPath,
  createLayout,
  hasBlob,
  linkBlob,
  putEntries,
  readBlob,
  readEntries,
  removeEntry,
  writeBlob,
  type Layout,
} from "./layout.ts";
import { isForeignLayer, refNameAnnotation, type Descriptor } from "./oci.ts";
import { parseManifest } from "./document.ts";
import { parseReference, renderImage, type LayoutReference, type RegistryReference } from "./reference.ts";
import { deleteTag, findManifest, putManifest, repositorySource } from "./registry.ts";
import {
  createReferrer,
  listReferrer,
  listReferrers,
  sendReferrer,
  type Attachment,
  type Referrer,
} from "./referrers.ts";
import { layoutSource, type Source } from "./source.ts";
import { openBlobFile, uploadBlob, type BlobFile } from "./upload.ts";
import { probePush } from "./upload-session.ts";

/** What a tag stands for, with its bytes, so that it can be put back. */
export interface Tagged {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

/** Where blobs can be mounted from: digest to names of repositories, by host. */
export type Holders = Map<string, Set<string>>;

/** A place that takes images. */
export interface Destination {
  /** `quay.io/bake/oven`, `oci:out`. */
  readonly place: string;
  /** Joins place and tag: `quay.io/bake/oven:1`. */
  readonly render: (tag: string) => string;
  readonly kind: "registry" | "layout";
  readonly source: Source;
  /** Undefined: there is no such tag. */
  readonly readTag: (tag: string) => Promise<Tagged | undefined>;
  /** What a digest stands for, tagged or not. */
  readonly readDigest: (digest: string) => Promise<Tagged | undefined>;
  /** Proves that it can be written to. */
  readonly probe: () => Promise<void>;
  /** Sends blobs, then children, then the index, all by digest: nothing becomes visible. Resolves to the number of blobs sent. */
  readonly send: (image: Assembled, holders: Holders) => Promise<number>;
  /** Sends what is attached to the index, by digest. Resolves to what still has to be listed by a tag. */
  readonly sendReferrers: (image: Assembled, attachments: readonly Attachment[]) => Promise<readonly Referrer[]>;
  readonly listReferrer: (referrer: Referrer) => Promise<void>;
  /** Digests of what is attached to `digest`. */
  readonly readReferrers: (digest: string) => Promise<readonly string[]>;
  /** Makes tags stand for something: one after the other in a registry, all at once in a layout. */
  readonly putTags: (tags: readonly (Tagged & { readonly tag: string })[]) => Promise<void>;
  /** False: it cannot remove tags. */
  readonly removeTag: (tag: string) => Promise<boolean>;
}

/** The repository of a registry. Requests about tags are not ended by the client's signal: they are finished or rolled back. */
export async function openRegistryDestination(
  client: Client,
  reference: RegistryReference,
  chunkBytes?: number,
): Promise<Destination> {
  const repository = await openRepository(client, reference);
  const { signal: _, ...patient } = client.options;
  const steady: Repository = { ...repository, client: { ...client, options: patient } };
  const readTag = async (tag: string): Promise<Tagged | undefined> => {
    const stored = await findManifest(steady, tag);
    if (stored === undefined) return undefined;
    const { digest, bytes } = stored;
    return { bytes, descriptor: { mediaType: stored.document.mediaType, digest, size: bytes.length } };
  };
  return {
    place: repository.place,
    render: (tag) => `${repository.place}:${tag}`,
    kind: "registry",
    source: repositorySource(repository),
    readTag,
    readDigest: readTag,
    probe: () => probePush(repository),
    send: (image, holders) =>
      sendImage(repository, image, { holders, ...(chunkBytes !== undefined && { chunkBytes }) }),
    sendReferrers: (image, attachments) => sendAttachments(repository, image, attachments),
    listReferrer: (referrer) => listReferrer(steady, referrer),
    readReferrers: async (digest) => (await listReferrers(repository, digest)).map((one) => one.digest),
    putTags: async (tags) => {
      for (const content of tags) await put(steady, content.tag, content);
    },
    removeTag: (tag) => deleteTag(steady, tag),
  };
}

/** A layout, created when it is first written to. */
export function openLayoutDestination(client: Client, reference: LayoutReference): Destination {
  const layout: Layout = { dir: reference.dir };
  const place = `oci:${reference.dir}`;
  const readTag = async (tag: string): Promise<Tagged | undefined> => {
    // A layout that is not there yet has no tags; a broken one is found by probe().
    const entries = await readEntries(layout).catch(() => []);
    const entry = entries.find((one) => one.annotations?.[refNameAnnotation] === tag);
    return entry && { descriptor: entry, bytes: await readBlob(layout, entry.digest) };
  };
  return {
    place,
    render: (tag) => `${place}:${tag}`,
    kind: "layout",
    source: layoutSource(layout),
    readTag,
    readDigest: async () => undefined,
    probe: async () => void (await createLayout(layout.dir)),
    send: (image) => copyImage(client, layout, image),
    sendReferrers: async (image, attachments) => {
      for (const blob of blobsOfAttachments(attachments)) await linkBlob(image.layout, layout, blob.digest);
      const referrers = attachments.map((attachment) => createReferrer(image.descriptor, attachment));
      for (const { bytes, descriptor } of referrers) await writeBlob(layout, bytes, { digest: descriptor.digest });
      return referrers;
    },
    listReferrer: ({ descriptor }) => putEntries(layout, [descriptor]),
    readReferrers: async () => (await readEntries(layout).catch(() => [])).map((entry) => entry.digest),
    putTags: (tags) =>
      putEntries(
        layout,
        tags.map(({ tag, descriptor }) => ({
          ...descriptor,
          annotations: { ...descriptor.annotations, [refNameAnnotation]: tag },
        })),
      ),
    removeTag: (tag) => removeEntry(layout, tag).then(() => true),
  };
}

/** How messages call a reference without tag. */
export function placeOfReference(reference: RegistryReference | LayoutReference): string {
  if (reference.kind === "layout") return `oci:${reference.dir}`;
  const { kind, host, repository } = reference;
  return renderImage({ kind, host, repository });
}

async function sendImage(
  repository: Repository,
  image: Assembled,
  options: { readonly holders: Holders; readonly chunkBytes?: number },
): Promise<number> {
  const { chunkBytes } = options;
  const blobs = await blobsOf(image);
  await noteOrigins(repository, image.layout, { blobs, holders: options.holders });
  const work = blobs.map(async (blob) => {
    const key = `${repository.host} ${blob.digest}`;
    const mountFrom = [...(options.holders.get(key) ?? [])].filter((name) => name !== repository.name);
    if (options.holders.get(key)?.has(repository.name) === true) return "present";
    const status = await uploadBlob(repository, await openFile(repository, image, blob), {
      mountFrom,
      ...(chunkBytes !== undefined && { chunkBytes }),
    });
    options.holders.set(key, new Set([...(options.holders.get(key) ?? []), repository.name]));
    return status;
  });
  const results = await Promise.allSettled(work);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const send = async (descriptor: Descriptor): Promise<void> =>
    put(repository, descriptor.digest, { descriptor, bytes: await readBlob(image.layout, descriptor.digest) });
  await Promise.all((await missingChildren(repository, image)).map(send));
  await send(image.descriptor);
  return results.filter((result) => result.status === "fulfilled" && result.value === "uploaded").length;
}

async function sendAttachments(
  repository: Repository,
  image: Assembled,
  attachments: readonly Attachment[],
): Promise<readonly Referrer[]> {
  const files = blobsOfAttachments(attachments).map((blob) => openBlobFile(image.layout, blob));
  for (const file of await Promise.all(files)) await uploadBlob(repository, file);
  const unlisted: Referrer[] = [];
  for (const attachment of attachments) {
    const referrer = createReferrer(image.descriptor, attachment);
    if (await sendReferrer(repository, referrer)) unlisted.push(referrer);
  }
  return unlisted;
}

function blobsOfAttachments(attachments: readonly Attachment[]): readonly Descriptor[] {
  const blobs = attachments.flatMap(({ config, layers }) => [config, ...layers]);
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** Children that were not read from this very repository a moment ago. */
async function missingChildren(repository: Repository, { children }: Assembled): Promise<readonly Descriptor[]> {
  const wanted = await Promise.all(
    children.map(async ({ descriptor, upstream }) => {
      const reference = upstream?.ref?.startsWith("docker://") === true ? parseReference(upstream.ref) : undefined;
      if (reference?.kind !== "registry" || reference.digest !== descriptor.digest) return [descriptor];
      const { host, name } = await openRepository(repository.client, reference);
      return host === repository.host && name === repository.name ? [] : [descriptor];
    }),
  );
  return wanted.flat();
}

/** The repositories that images came from hold their blobs. What is not in the layout was seen there in phase 1. */
async function noteOrigins(
  repository: Repository,
  layout: Layout,
  { blobs, holders }: { readonly blobs: readonly ImageBlob[]; readonly holders: Holders },
): Promise<void> {
  for (const { digest, origin } of blobs) {
    const reference = origin === undefined ? undefined : parseReference(origin);
    if (reference?.kind !== "registry") continue;
    const { host, name } = await openRepository(repository.client, reference);
    if (host !== repository.host || (name === repository.name && (await hasBlob(layout, digest)))) continue;
    const key = `${host} ${digest}`;
    holders.set(key, new Set([...(holders.get(key) ?? []), name]));
  }
}

/** A blob of the layout; one that was left in another registry is fetched when it is needed. */
async function openFile(repository: Repository, image: Assembled, blob: ImageBlob): Promise<BlobFile> {
  const { origin, ...descriptor } = blob;
  if (origin === undefined || (await hasBlob(image.layout, blob.digest))) return openBlobFile(image.layout, descriptor);
  return {
    ...descriptor,
    path: blobPath(image.layout, blob.digest),
    place: origin,
    fetch: () => fetchBlob(repository.client, origin, { layout: image.layout, blob: descriptor }),
  };
}

async function copyImage(client: Client, layout: Layout, image: Assembled): Promise<number> {
  for (const { origin, ...blob } of await blobsOf(image)) {
    if (origin !== undefined) await fetchBlob(client, origin, { layout: image.layout, blob });
    await linkBlob(image.layout, layout, blob.digest);
  }
  for (const { digest } of [...image.children.map((child) => child.descriptor), image.descriptor]) {
    await writeBlob(layout, await readBlob(image.layout, digest), { digest });
  }
  return 0;
}

interface ImageBlob extends Descriptor {
  /** The image in a registry that has it. Absent: the layout alone. */
  readonly origin?: string;
}

/** Configs and layers of all children, each once. */
async function blobsOf(image: Assembled): Promise<readonly ImageBlob[]> {
  const blobs = new Map<string, ImageBlob>();
  for (const { descriptor, upstream } of image.children) {
    const origin = upstream?.ref?.startsWith("docker://") === true ? upstream.ref : undefined;
    const { config, layers } = parseManifest(
      await readBlob(image.layout, descriptor.digest),
      descriptor.digest,
      descriptor.mediaType,
    );
    for (const blob of [config, ...layers])
      if (!isForeignLayer(blob)) blobs.set(blob.digest, { ...blob, ...(origin !== undefined && { origin }) });
  }
  return [...blobs.values()];
}

async function put(repository: Repository, name: string, content: Tagged): Promise<void> {
  await putManifest(repository, name, { bytes: content.bytes, mediaType: content.descriptor.mediaType });
}
