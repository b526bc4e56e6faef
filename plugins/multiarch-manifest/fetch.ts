/** One platform's image from wherever it is into a layout, every byte checked. Does not know what it is for. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Arch, Place } from "../../core/index.ts";
import { agrees, archOf, chooseChild, descriptorPlatform, isImage, renderPlatform } from "./choose.ts";
import { childMissing, platformForeign } from "./errors.ts";
import { createClient, type Client, type Repository } from "./host.ts";
import { checkPlatform, readImage, type Image } from "./image.ts";
import { hasBlob, linkBlob, openLayout, putEntries, writeBlob, type Layout } from "./layout.ts";
import { isForeignLayer, refNameAnnotation, type Descriptor } from "./oci.ts";
import { parseReference, renderReference, type Reference } from "./reference.ts";
import { findHead, imageOf, keptSource, openReference, repositorySource } from "./registry.ts";
import { manifestMissing } from "./registry-errors.ts";
import { layoutSource, type Source, type Stored } from "./source.ts";
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
  /** `later`: layers of a registry stay there, only manifest and config are copied. Default: `now`. */
  readonly layers?: "now" | "later";
  /** A single image is taken whatever its config says; the caller mends that. Default: false. */
  readonly anyPlatform?: boolean;
}

/** Where a reference leads. */
export interface Opened {
  readonly source: Source;
  /** Tag, entry name or digest in the source. Undefined: the only entry of a layout. */
  readonly name: string | undefined;
  /** Set when blobs can be linked instead of copied. */
  readonly layout?: Layout;
  /** Set when it is in a registry. */
  readonly repository?: Repository;
}

/**
 * Copies the image for `platform` into a layout: layers and config first, the manifest last; blobs that are there are not fetched again.
 * Resolves to the manifest's descriptor with its platform.
 * @throws BtError MANIFEST_CHILD_MISSING, MANIFEST_CONFIG_MISMATCH, MANIFEST_REFERENCE_MALFORMED, REGISTRY_… and those of layouts
 */
export async function fetchImage(
  reference: string,
  platform: Arch,
  into: Layout,
  options: FetchOptions = {},
): Promise<Descriptor> {
  const [fetched] = await fetchPlatforms(reference, [platform], { ...options, into });
  const { descriptor } = fetched!; // One platform, one image.
  if (options.entryName !== undefined) {
    await putEntries(into, [{ ...descriptor, annotations: { [refNameAnnotation]: options.entryName } }]);
  }
  return descriptor;
}

/** One platform's image, copied into a layout. */
export interface Fetched {
  readonly platform: Arch;
  readonly descriptor: Descriptor;
  /** `docker://HOST/REPO@DIGEST`. Absent: it is not from a registry. */
  readonly repository?: string;
  /** Its config says another architecture, which `armFallback` or `anyPlatform` has let pass. */
  readonly isOther: boolean;
}

/**
 * Copies the images for `platforms` into a layout, the source opened once. Without platforms: all that it has.
 * @throws BtError as fetchImage()
 */
export async function fetchPlatforms(
  reference: string,
  platforms: readonly Arch[] | undefined,
  options: FetchOptions & { readonly into: Layout },
): Promise<readonly Fetched[]> {
  return withSource(reference, options, async (opened) => {
    const stored = await opened.source.readDocument(opened.name);
    return Promise.all(
      (platforms ?? (await platformsOf(opened.source, stored))).map(async (platform) => {
        const digest = digestIn(stored, platform, { reference, options });
        const wanted = { digest, platform, reference, isListed: stored.document.kind === "index" };
        const { descriptor, isOther } = await copyImage(opened, wanted, options);
        const { repository } = opened;
        return {
          platform,
          descriptor,
          isOther,
          ...(repository && { repository: `docker://${repository.place}@${digest}` }),
        };
      }),
    );
  });
}

/** Those of bt's table; a single image has the one of its config. */
async function platformsOf(source: Source, stored: Stored): Promise<readonly Arch[]> {
  if (stored.document.kind === "index")
    return stored.document.index.manifests
      .filter(isImage)
      .flatMap((child) => (child.platform === undefined ? [] : (archOf(child.platform) ?? [])));
  const { config } = await readImage(source, stored.digest);
  const arch = config === undefined ? undefined : archOf(config);
  if (arch === undefined) throw platformForeign(source.place, stored.digest, renderPlatform(config));
  return [arch];
}

async function copyImage(
  opened: Opened,
  wanted: {
    readonly digest: string;
    readonly platform: Arch;
    readonly reference: string;
    /** An index says that it is for the platform. */
    readonly isListed: boolean;
  },
  options: FetchOptions & { readonly into: Layout },
): Promise<Pick<Fetched, "descriptor" | "isOther">> {
  const { into } = options;
  const { digest, platform, reference } = wanted;
  const image = await readImage(opened.source, digest);
  const isOther = image.config !== undefined && !agrees(image.config, platform);
  const isAllowed =
    options.anyPlatform === true || options.armFallback?.includes(image.config?.architecture ?? "") === true;
  if (isOther && !isAllowed) {
    if (wanted.isListed) checkPlatform(image, platform, opened.source.place);
    throw childMissing(reference, platform, [renderPlatform(image.config)]);
  }
  await copyBlobs(opened, image, { into, onlyConfig: options.layers === "later" && opened.repository !== undefined });
  const { size } = await writeBlob(into, image.stored.bytes, { digest });
  const { mediaType } = image.stored.document;
  return { descriptor: { mediaType, digest, size, platform: descriptorPlatform(platform) }, isOther };
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
  return withSource(reference, options, async ({ source, name }) => {
    const stored = await source.readDocument(name);
    return platform === undefined ? stored.digest : digestIn(stored, platform, { reference, options });
  });
}

/** Runs `work` on the source of a reference. An image of engine storage is exported for that time. */
export async function withSource<T>(
  reference: string,
  options: FetchOptions,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  const client = clientOf(options);
  const parsed = parseReference(reference, await referenceOptions(client, options));
  switch (parsed.kind) {
    case "registry": {
      const { repository, name } = await openReference(client, parsed);
      return work({ source: keptSource(repositorySource(repository)), name, repository });
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
  const { registriesConf, signal, start } = client.options;
  try {
    await exportStorage(name, dir, {
      env: client.env,
      ...(registriesConf !== undefined && { registriesConf }),
      ...(signal && { signal }),
      ...(start && { start }),
    });
    return await work(await openLayout(dir));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function digestIn(
  { digest, document }: Stored,
  platform: Arch,
  asked: { readonly reference: string; readonly options: FetchOptions },
): string {
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
async function copyBlobs(
  opened: Opened,
  image: Image,
  { into, onlyConfig }: { readonly into: Layout; readonly onlyConfig: boolean },
): Promise<void> {
  const { config, layers } = image.manifest;
  const wanted = new Map(
    [config, ...(onlyConfig ? [] : layers)].filter((blob) => !isForeignLayer(blob)).map((blob) => [blob.digest, blob]),
  );
  const copies = [...wanted.values()].map(async (blob) => {
    if (await hasBlob(into, blob.digest)) return;
    if (opened.layout !== undefined) await linkBlob(opened.layout, into, blob.digest);
    else if (blob === config) await writeBlob(into, await opened.source.readBlob(blob.digest), blob);
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
