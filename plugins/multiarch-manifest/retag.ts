/** Other tags for an image that a registry has: only tags move, behind the same barrier as a publish. Does not send blobs. */
import { archOf, isImage, renderPlatform } from "./choose.ts";
import { openRegistryDestination } from "./destination.ts";
import { closeClient, createClient, type Client } from "./host.ts";
import { readImage } from "./image.ts";
import { moveTogether, type Move, type MoveOptions } from "./move.ts";
import type { DescriptorPlatform } from "./oci.ts";
import { digestUnwanted, registryWanted, retagElsewhere } from "./publish-errors.ts";
import { parseReference, renderImage, type RegistryReference } from "./reference.ts";
import { findManifest, openReference, repositorySource } from "./registry.ts";
import { manifestMissing } from "./registry-errors.ts";

/** What a name stands for. */
export interface FoundImage {
  readonly digest: string;
  readonly mediaType: string;
  readonly kind: "index" | "image";
  /** As bt spells them: `linux/arm/v7`; others as the image has them. Attestations are left out. */
  readonly platforms: readonly string[];
}

/** How to move tags. */
export interface RetagOptions extends Pick<MoveOptions, "lockFolder"> {
  /** Default: a client for this call only. */
  readonly client?: Client;
  /** Called before the first tag moves, with `HOST/REPO:TAG` of all of them; rejecting stops it. */
  readonly beforeTags?: (references: readonly string[]) => Promise<void>;
}

/**
 * What a name of a registry stands for now. Undefined: the registry answers that there is nothing.
 * @throws BtError MANIFEST_REFERENCE_MALFORMED, MANIFEST_REGISTRY_WANTED, REGISTRY_…
 */
export async function findImage(
  reference: string,
  options: Pick<RetagOptions, "client"> = {},
): Promise<FoundImage | undefined> {
  return withClient(options, async (client) => {
    const { repository, name } = await openReference(client, await parse(client, reference));
    const stored = await findManifest(repository, name);
    if (stored === undefined) return undefined;
    const { digest, document } = stored;
    const { mediaType } = document;
    if (document.kind === "index") {
      const platforms = document.index.manifests.filter(isImage).map(({ platform }) => spell(platform));
      return { digest, mediaType, kind: "index", platforms };
    }
    const { config } = await readImage(repositorySource(repository), digest);
    return { digest, mediaType, kind: "image", platforms: config === undefined ? [] : [spell(config)] };
  });
}

/**
 * Makes the tags `to` stand for `from`, an image of the same repository. When one cannot be moved, all are put back.
 * @throws BtError MANIFEST_RETAG, MANIFEST_DESTINATION, REGISTRY_MANIFEST_MISSING, and as a publish
 */
export async function retag(from: string, to: readonly string[], options: RetagOptions = {}): Promise<string> {
  return withClient(options, async (client) => {
    const source = await parse(client, from);
    const destination = await openRegistryDestination(client, source);
    const tags = await Promise.all(
      to.map(async (one) => tagOf(source, from, { one, found: await parse(client, one) })),
    );
    const content = await destination.readTag(source.digest ?? source.tag ?? "latest");
    if (content === undefined) throw manifestMissing(renderImage(source));
    const all = tags.map(async (tag): Promise<Move> => {
      const before = await destination.readTag(tag);
      const now = before && { now: before.descriptor.digest, before };
      return { destination, tag, reference: destination.render(tag), kind: "moving", content, ...now };
    });
    const { digest } = content.descriptor;
    const moves = (await Promise.all(all)).filter(({ now }) => now !== digest);
    if (moves.length === 0) return digest;
    await options.beforeTags?.(moves.map(({ reference }) => reference));
    const { signal } = client.options;
    const { lockFolder } = options;
    await moveTogether(moves, { ...(signal && { signal }), ...(lockFolder !== undefined && { lockFolder }) });
    return digest;
  });
}

async function withClient<T>(
  { client }: Pick<RetagOptions, "client">,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  if (client !== undefined) return work(client);
  const own = createClient();
  return work(own).finally(() => closeClient(own));
}

async function parse(client: Client, text: string): Promise<RegistryReference> {
  const reference = parseReference(text, { shortNames: await client.conf() });
  if (reference.kind !== "registry") throw registryWanted(text);
  return reference;
}

function tagOf(
  source: RegistryReference,
  from: string,
  { one, found }: { readonly one: string; readonly found: RegistryReference },
): string {
  if (found.digest !== undefined) throw digestUnwanted(one);
  const isBeside = found.host === source.host && found.repository === source.repository;
  if (!isBeside || found.tag === undefined) throw retagElsewhere(from, one);
  return found.tag;
}

function spell(platform: DescriptorPlatform | undefined): string {
  const arch = platform && archOf(platform);
  return arch === undefined ? renderPlatform(platform) : `linux/${arch}`;
}
