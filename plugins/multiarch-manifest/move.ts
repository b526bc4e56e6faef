/** Moves tags one after the other, and puts them back when one fails. Does not know why they are moved. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Destination, Tagged } from "./destination.ts";
import { digestOf } from "./digest.ts";
import { withLock } from "./lock.ts";
import { rolledBack, tagMoved, tagNotRead } from "./publish-errors.ts";

/** One tag, what it stood for, what it will stand for. */
export interface Move {
  readonly destination: Destination;
  readonly tag: string;
  /** `quay.io/bake/oven:1`. */
  readonly reference: string;
  readonly kind: "arch" | "versioned" | "moving";
  readonly content: Tagged;
  /** Digest it had when this run looked first. Absent: it did not exist. */
  readonly now?: string;
  /** What a rollback puts back. Absent: it did not exist. */
  readonly before?: Tagged;
}

/** How tags are moved together. */
export interface MoveOptions {
  readonly signal?: AbortSignal;
  /** Folder of the machine's publish locks. Default: one in the temporary folder. */
  readonly lockFolder?: string;
  /** Called when nobody else on this machine can move these tags any more, and when they are moved. */
  readonly onPhase?: (phase: "tags" | "read-back") => Promise<void>;
}

/**
 * Moves the tags while no other run on this machine does so in the same places: looked at again first, read back last.
 * @throws BtError MANIFEST_TAG_MOVED, MANIFEST_ROLLED_BACK, MANIFEST_TAG_NOT_READ
 */
export async function moveTogether(moves: readonly Move[], options: MoveOptions = {}): Promise<void> {
  await holdPlaces(moves, options, async () => {
    await checkStill(moves);
    await options.onPhase?.("tags");
    await moveTags(moves, options.signal);
    await options.onPhase?.("read-back");
    await readBack(moves);
  });
}

/** Two runs on one machine move tags of one repository after each other. Sorted, so that they cannot wait for each other. */
async function holdPlaces(
  moves: readonly Move[],
  { lockFolder = join(tmpdir(), `bt-publish-${process.getuid?.() ?? 0}`) }: MoveOptions,
  work: () => Promise<void>,
): Promise<void> {
  const files = moves.map(({ destination }) => join(lockFolder, digestOf(destination.place).slice(7, 39)));
  const paths = [...new Set(files)].sort();
  const hold = (n: number): Promise<void> => (n === paths.length ? work() : withLock(paths[n]!, () => hold(n + 1)));
  await hold(0);
}

/** Somebody else may have published while this run was sending. */
async function checkStill(moves: readonly Move[]): Promise<void> {
  for (const { destination, tag, reference, now, content } of moves) {
    const found = (await destination.readTag(tag))?.descriptor.digest;
    if (found !== now && found !== content.descriptor.digest) throw tagMoved(reference, now, found);
  }
}

async function readBack(moves: readonly Move[]): Promise<void> {
  const wrong: { reference: string; expected: string; found: string | undefined }[] = [];
  for (const { destination, tag, reference, content } of moves) {
    const found = (await destination.readTag(tag))?.descriptor.digest;
    if (found !== content.descriptor.digest) wrong.push({ reference, expected: content.descriptor.digest, found });
  }
  if (wrong.length > 0) throw tagNotRead(wrong);
}

/**
 * Moves the tags in order. After a failure, or an abort between two of them, those that were moved are put back.
 * @throws BtError MANIFEST_ROLLED_BACK naming the cause and what could not be undone; the abort itself if that was the cause
 */
async function moveTags(moves: readonly Move[], signal?: AbortSignal): Promise<void> {
  const touched: Move[] = [];
  try {
    for (const step of stepsOf(moves)) {
      signal?.throwIfAborted();
      touched.push(...step);
      await step[0]!.destination.putTags(step.map(({ tag, content }) => ({ tag, ...content })));
    }
    signal?.throwIfAborted();
  } catch (error) {
    const stuck: string[] = [];
    for (const move of touched.reverse()) {
      const problem = await moveBack(move);
      if (problem !== undefined) stuck.push(`${move.reference}: ${problem}`);
    }
    if (signal?.aborted === true && stuck.length === 0) throw error;
    throw rolledBack(
      error,
      touched.map((move) => move.reference),
      stuck,
    );
  }
}

/** What is done between two looks at the signal: one tag of a registry, or all tags of a layout, whose index.json is renamed once. */
function stepsOf(moves: readonly Move[]): readonly (readonly Move[])[] {
  const steps: Move[][] = [];
  for (const move of moves) {
    if (move.now === move.content.descriptor.digest) continue;
    const { destination } = move;
    const same =
      destination.kind === "layout"
        ? steps.find(([first]) => first?.destination.place === destination.place)
        : undefined;
    if (same === undefined) steps.push([move]);
    else same.push(move);
  }
  return steps;
}

/** A put that failed may still have arrived, so the tag is read. Resolves to why it could not be undone. */
async function moveBack(move: Move): Promise<string | undefined> {
  const { destination, tag, before, content } = move;
  try {
    const found = (await destination.readTag(tag))?.descriptor.digest;
    if (found === before?.descriptor.digest) return undefined;
    if (found !== content.descriptor.digest)
      return `stands for ${found ?? "nothing"} now, which somebody else has published`;
    if (before !== undefined) await destination.putTags([{ tag, ...before }]);
    else if (!(await destination.removeTag(tag)))
      return `stands for ${content.descriptor.digest} and this registry cannot remove tags`;
    return undefined;
  } catch (error) {
    return `could not be put back to ${before?.descriptor.digest ?? "nothing"}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
