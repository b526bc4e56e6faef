/** The publish barrier: a group of images becomes visible together or not at all. Start reading at publish(). Does not know registries or layouts. */
import { checkImages, checkRemote } from "./collect.ts";
import { openLayoutDestination, openRegistryDestination, type Destination, type Holders } from "./destination.ts";
import { tagExists } from "./publish-errors.ts";
import { createClient, type Client } from "./host.ts";
import { readJournal, removeJournal, writeJournal, type Journal, type Phase } from "./journal.ts";
import { readBlob } from "./layout.ts";
import { moveTogether, type Move } from "./move.ts";
import { planPublish, type PlannedItem, type PublishItem } from "./plan.ts";
import { renderReference } from "./reference.ts";
import { createReferrer, type Referrer } from "./referrers.ts";

/** How to publish. */
export interface PublishOptions {
  /** Default: a client for this call only. Its signal ends phases 0 to 4; within phase 5 it rolls back. */
  readonly client?: Client;
  /** File of the journal. Absent: none is kept. */
  readonly journal?: string;
  /** Called when a phase begins, and with sentences about what was found. */
  readonly onStep?: (phase: Phase, sentence: string) => void;
  /** Called before the first tag moves, with `HOST/REPO:TAG` of all of them; rejecting stops the publish. */
  readonly beforeTags?: (references: readonly string[]) => Promise<void>;
  /** Folder of the machine's publish locks. Default: one in the temporary folder. */
  readonly lockFolder?: string;
  /** Size of upload chunks in bytes. Default: 16 MiB. */
  readonly chunkBytes?: number;
}

/** One image after a publish. */
export interface Published {
  readonly name: string;
  /** First tag: `docker://quay.io/bake/oven:1`, `oci:out:1`. */
  readonly reference: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly status: "pushed" | "unchanged";
  readonly tags: readonly string[];
  readonly item: PublishItem;
}

interface Target extends PlannedItem {
  readonly destination: Destination;
}

/**
 * Publishes a group, phase by phase; no image enters a phase before all have finished the one before. Resolves in the group's order.
 * @throws BtError; until phase 5 nothing is visible, in it tags are put back
 */
export async function publish(
  group: readonly PublishItem[],
  options: PublishOptions = {},
): Promise<readonly Published[]> {
  const client = options.client ?? createClient();
  const { signal } = client.options;
  const begin = async (phase: Phase, sentence: string, moves: Journal["moves"] = []): Promise<void> => {
    if (phase !== "read-back") signal?.throwIfAborted();
    options.onStep?.(phase, sentence);
    if (options.journal !== undefined && phase !== "check")
      await writeJournal(options.journal, { schema: 1, phase, moves });
  };
  await begin("check", group.map(({ name }) => name).join(", "));
  const plan = planPublish(group, { shortNames: await client.conf() });
  const left = options.journal === undefined ? undefined : await readJournal(options.journal);
  if (left !== undefined && left.moves.length > 0)
    options.onStep?.(
      "check",
      `an interrupted run may have moved some of ${left.moves.map((move) => move.reference).join(", ")}`,
    );

  await begin("collect", "every image is read and checked", left?.moves);
  await checkImages(client, group);
  const targets = await Promise.all(
    plan.map(async (planned): Promise<Target> => ({
      ...planned,
      destination: await openDestination(client, planned, options.chunkBytes),
    })),
  );

  await begin("probe", "tags are read, the right to push is proven", left?.moves);
  const moves = await readMoves(targets, left);
  const unchanged = new Set<Target>();
  for (const target of targets) {
    if (await isUnchanged(target, moves)) unchanged.add(target);
    else checkExisting(target, moves);
  }
  const changed = targets.filter((target) => !unchanged.has(target));
  await Promise.all(uniquePlaces(changed).map(({ destination }) => destination.probe()));

  await begin(
    "upload",
    changed.length === 0 ? "nothing to send" : `${count(changed.length)} sent by digest`,
    left?.moves,
  );
  const holders: Holders = new Map();
  const referrers: { readonly destination: Destination; readonly referrer: Referrer }[] = [];
  for (const { destination, item } of changed) {
    const blobs = await destination.send(item.image, holders);
    options.onStep?.("upload", `${item.name}: ${blobs} blobs sent`);
    const unlisted = await destination.sendReferrers(item.image, item.attachments ?? []);
    referrers.push(...unlisted.map((referrer) => ({ destination, referrer })));
  }

  if (changed.length > 0) await begin("verify", "what was sent is proven", left?.moves);
  for (const { destination, item } of changed) await checkRemote(destination.source, item);

  const wanted = inOrder(
    moves.filter((move) =>
      changed.some(
        (target) => target.destination === move.destination && target.tags.some(({ tag }) => tag === move.tag),
      ),
    ),
  );
  if (wanted.length > 0) {
    const references = wanted.map((move) => move.reference);
    signal?.throwIfAborted();
    await options.beforeTags?.(references);
    const noted = wanted.map(({ reference, before, content }) => ({
      reference,
      to: content.descriptor.digest,
      ...(before && { from: before.descriptor.digest }),
    }));
    await moveTogether(wanted, {
      ...(signal && { signal }),
      ...(options.lockFolder !== undefined && { lockFolder: options.lockFolder }),
      onPhase: async (phase) => {
        await begin(phase, references.join(", "), noted);
        if (phase === "read-back") return;
        // Before the tags: who sees a new tag also finds what is attached to it. A list that nobody asks for does no harm.
        for (const { destination, referrer } of referrers) await destination.listReferrer(referrer);
      },
    });
  }
  if (options.journal !== undefined) await removeJournal(options.journal);
  return targets.map((target) => published(target, unchanged.has(target) ? "unchanged" : "pushed"));
}

function count(images: number): string {
  return images === 1 ? "one image is" : `${images} images are`;
}

async function openDestination(
  client: Client,
  planned: PlannedItem,
  chunkBytes: number | undefined,
): Promise<Destination> {
  const { reference } = planned;
  return reference.kind === "layout"
    ? openLayoutDestination(client, reference)
    : openRegistryDestination(client, reference, chunkBytes);
}

/** What every tag stands for now. A tag that an interrupted run has moved is remembered as it was before that. */
async function readMoves(targets: readonly Target[], left: Journal | undefined): Promise<Move[]> {
  const moves = targets.flatMap((target) => target.tags.map((planned) => ({ target, planned })));
  return Promise.all(
    moves.map(async ({ target, planned }): Promise<Move> => {
      const { destination, item } = target;
      const reference = destination.render(planned.tag);
      const now = await destination.readTag(planned.tag);
      const noted = left?.moves.find(
        (move) => move.reference === reference && move.to === now?.descriptor.digest && move.from !== undefined,
      );
      const earlier = noted?.from === undefined ? undefined : await destination.readDigest(noted.from);
      const content = await contentOf(item, planned.digest);
      return {
        destination,
        tag: planned.tag,
        reference,
        kind: planned.kind,
        content,
        ...(now && { now: now.descriptor.digest, before: earlier ?? now }),
      };
    }),
  );
}

async function contentOf(item: PublishItem, digest: string): Promise<Move["content"]> {
  const { image } = item;
  const descriptor =
    [image.descriptor, ...image.children.map((child) => child.descriptor)].find((one) => one.digest === digest) ??
    image.descriptor;
  const { mediaType, size } = descriptor;
  return { descriptor: { mediaType, digest, size }, bytes: await readBlob(image.layout, digest) };
}

async function isUnchanged(target: Target, moves: readonly Move[]): Promise<boolean> {
  const own = moves.filter((move) => move.destination === target.destination);
  if (!own.every((move) => move.now === move.content.descriptor.digest)) return false;
  const { destination, item } = target;
  try {
    await checkRemote(destination.source, item);
    const wanted = (item.attachments ?? []).map((one) => createReferrer(item.image.descriptor, one).descriptor.digest);
    const found = wanted.length === 0 ? [] : await destination.readReferrers(item.image.descriptor.digest);
    return wanted.every((digest) => found.includes(digest));
  } catch {
    return false;
  }
}

function checkExisting(target: Target, moves: readonly Move[]): void {
  const rule = target.item.onExisting ?? "overwrite";
  if (rule === "overwrite") return;
  for (const move of moves.filter((one) => one.destination === target.destination && one.kind !== "moving")) {
    if (move.now === undefined || (rule === "same" && move.now === move.content.descriptor.digest)) continue;
    throw tagExists(move.reference, { found: move.now, own: move.content.descriptor.digest, rule });
  }
}

/** Registries first, versioned tags before moving ones; layouts last, since writing there hardly fails. */
function inOrder(moves: readonly Move[]): readonly Move[] {
  const rank = (move: Move): number =>
    (move.destination.kind === "layout" ? 4 : 0) + { arch: 0, versioned: 1, moving: 2 }[move.kind];
  return [...moves].sort((a, b) => rank(a) - rank(b));
}

function uniquePlaces(targets: readonly Target[]): readonly Target[] {
  return targets.filter((target, n) => targets.findIndex((one) => one.place === target.place) === n);
}

function published(target: Target, status: Published["status"]): Published {
  const { item, reference, tags } = target;
  const [first] = tags.filter(({ kind }) => kind !== "arch");
  const named = reference.kind === "layout" ? { ...reference, name: first!.tag } : { ...reference, tag: first!.tag };
  const { digest, mediaType } = item.image.descriptor;
  return {
    name: item.name,
    reference: renderReference(named),
    digest,
    mediaType,
    status,
    tags: tags.map(({ tag }) => tag),
    item,
  };
}
