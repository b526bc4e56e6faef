/** One platform's image from wherever it is into a layout, every byte checked. Does not know what it is for. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arch, Place } from "../../core/index.ts";
import { agrees, chooseChild, descriptorPlatform, renderPlatform } from "./choose.ts";
import { childMissing } from "./errors.ts";
import { createClient, type Client } from "./host.ts";
import { readImage, type Image } from "./image.ts";
import { hasBlob, linkBlob, openLayout, putEntries, writeBlob, type Layout } from "./layout.ts";
import { isForeignLayer, refNameAnnotation, type Descriptor } from "./oci.ts";
import { parseReference, renderReference, type Reference } from "./reference.ts";
import { findHead, imageOf, openReference, repositorySource } from "./registry.ts";
import { manifestMissing } from "./registry-errors.ts";
import { layoutSource, type Source } from "./source.ts";
import { exportStorage } from "./storage.ts";

/** How to fetch. */
export interface FetchOptions {
  /** Default: a client for this call only, with the environment's settings. */
  readonly client?: Client;
  /** Where the reference was written: shown in errors. */
  readonly at?: Place;
  /** Architectures of the source that stand for `arm/v7`. Default: none. */
  readonly armFallback?: readonly string[];
  /** Gets a sentence when an older variant is used. */
  readonly onWarning?: (sentence: string) => void;
  /** Name of the image in the layout's index.json. Default: it gets no entry and is there by digest. */
  readonly entryName?: string;
}

/** Where a reference leads. */
interface Opened {
  readonly source: Source;
  /** Tag, entry name or digest in the source. Undefined: the only entry of a layout. */
  readonly name: string | undefined;
  /** Set when blobs can be linked instead of copied. */
  readonly layout?: Layout;
}

/**
 * Copies the image for `platform` into a layout: layers and config first, the manifest last; blobs that are there are not fetched again.
 * Resolves to the manifest's descriptor with its platform.
 * @throws BtError MANIFEST_CHILD_MISSING, MANIFEST_REFERENCE_MALFORMED, REGISTRY_… and those of layouts
 */
export async function fetchImage(
  reference: string,
  platform: Arch,
  into: Layout,
  options: FetchOptions = {},
): Promise<Descriptor> {
  return withSource(reference, options, async (opened) => {
    const { source } = opened;
    const digest = await findDigest(opened, platform, { reference, options });
    const image = await readImage(source, digest);
    const fits =
      image.config === undefined ||
      agrees(image.config, platform) ||
      options.armFallback?.includes(image.config.architecture) === true;
    if (!fits) throw childMissing(reference, platform, [renderPlatform(image.config)]);
    await copyBlobs(opened, image, into);
    const { size } = await writeBlob(into, image.stored.bytes, { digest });
    const descriptor: Descriptor = {
      mediaType: image.stored.document.mediaType,
      digest,
      size,
      platform: descriptorPlatform(platform),
    };
    if (options.entryName !== undefined) {
      await putEntries(into, [{ ...descriptor, annotations: { [refNameAnnotation]: options.entryName } }]);
    }
    return descriptor;
  });
}

/**
 * The digest that a reference has now: of the index if it is one, or of the child for `platform`. A digest is itself, without a request.
 * @throws BtError REGISTRY_MANIFEST_MISSING and as fetchImage()
 */
export async function resolve(
  reference: string,
  options: FetchOptions & { readonly platform?: Arch } = {},
): Promise<string> {
  const parsed = parseReference(reference, await referenceOptions(clientOf(options), options));
  const { platform } = options;
  if (platform === undefined && parsed.kind !== "storage" && parsed.digest !== undefined) return parsed.digest;
  if (platform === undefined && parsed.kind === "registry") {
    const { repository, name } = await openReference(clientOf(options), parsed);
    const head = await findHead(repository, name);
    if (head === undefined) throw manifestMissing(imageOf(repository, name));
    return head.digest;
  }
  return withSource(reference, options, async (opened) => {
    if (platform !== undefined) return findDigest(opened, platform, { reference, options });
    return (await opened.source.readDocument(opened.name)).digest;
  });
}

/** Runs `work` on the source of a reference. An image of engine storage is exported for that time. */
async function withSource<T>(
  reference: string,
  options: FetchOptions,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const client = clientOf(options);
  const parsed = parseReference(reference, await referenceOptions(client, options));
  switch (parsed.kind) {
    case "registry": {
      const { repository, name } = await openReference(client, parsed);
      return work({ source: repositorySource(repository), name });
    }
    case "layout": {
      const layout = await openLayout(parsed.dir);
      return work({ source: layoutSource(layout), name: parsed.digest ?? parsed.name, layout });
    }
    case "storage":
      return withExport(client, parsed.name, (layout) =>
        work({ source: layoutSource(layout), name: undefined, layout }),
      );
  }
}

async function withExport<T>(client: Client, name: string, work: (layout: Layout) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "bt-export-"));
  const { registriesConf, signal } = client.options;
  try {
    await exportStorage(name, dir, {
      env: client.env,
      ...(registriesConf !== undefined && { registriesConf }),
      ...(signal && { signal }),
    });
    return await work(await openLayout(dir));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function findDigest(
  opened: Opened,
  platform: Arch,
  asked: { readonly reference: string; readonly options: FetchOptions },
): Promise<string> {
  const { digest, document } = await opened.source.readDocument(opened.name);
  if (document.kind === "manifest") return digest;
  const { armFallback, onWarning } = asked.options;
  const { child, warning } = chooseChild(
    document.index.manifests,
    platform,
    asked.reference,
    armFallback === undefined ? {} : { armFallback },
  );
  if (warning !== undefined) onWarning?.(warning);
  return child.digest;
}

/** The client's number of requests at a time limits how many layers travel together. */
async function copyBlobs(opened: Opened, image: Image, into: Layout): Promise<void> {
  const { config, layers } = image.manifest;
  const wanted = new Map(
    [config, ...layers].filter((blob) => !isForeignLayer(blob)).map((blob) => [blob.digest, blob]),
  );
  const copies = [...wanted.values()].map(async (blob) => {
    if (await hasBlob(into, blob.digest)) return;
    if (opened.layout !== undefined) await linkBlob(opened.layout, into, blob.digest);
    else await writeBlob(into, await opened.source.openBlob(blob.digest), blob);
  });
  // Every copy ends before a failure is reported, so that nothing is written behind the caller's back.
  const failed = (await Promise.allSettled(copies)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function referenceOptions(client: Client, options: FetchOptions): Promise<Parameters<typeof parseReference>[1]> {
  return { shortNames: await client.conf(), ...(options.at && { at: options.at }) };
}

function clientOf(options: FetchOptions): Client {
  return options.client ?? createClient();
}

/** The canonical text of what `reference` names, short names resolved. */
export async function resolveName(reference: string, options: FetchOptions = {}): Promise<string> {
  const parsed: Reference = parseReference(reference, await referenceOptions(clientOf(options), options));
  return renderReference(parsed);
}
