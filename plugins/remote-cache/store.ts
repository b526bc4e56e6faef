/** Trust over shelves: reads from the own domain upwards, writes only into the own one, signs and checks. Does not know servers. */
import { blobsOf, type Blob, type CachedResult, type CacheStore } from "../../core/index.ts";
import { isTrusted } from "./domain.ts";
import { parseRecord, renderRecord } from "./record.ts";
import type { Entry, Shelf, Shelves } from "./shelf.ts";
import type { Signer } from "./signature.ts";

/** What a store is made of. */
export interface StoreFacts {
  /** Those to read from, the own one first. */
  readonly shelves: Shelves;
  /** Whether the first of them may be written. */
  readonly canWrite: boolean;
  /** Undefined: nothing is signed, and nobody looks. */
  readonly signer: Signer | undefined;
  /** Called once for each text. */
  readonly warn: (text: string) => void;
}

/** The work of a store. */
export type StoreWork = Omit<CacheStore, "name" | "canWrite">;

/** Blobs asked for at the same time. */
const concurrency = 8;

export function createStoreWork(facts: StoreFacts): Required<StoreWork> {
  const { shelves, close } = facts.shelves;
  const { signer, warn } = facts;
  /** Where the bytes of a result are that was found: its own shelf has them, others need not. */
  const places = new Map<string, Shelf>();
  const broken = new Set<Shelf>();
  const own = facts.canWrite ? shelves[0] : undefined;

  const read = async (shelf: Shelf, key: string, signal: AbortSignal): Promise<CachedResult | undefined> => {
    if (signer?.obstacle !== undefined && isTrusted(shelf.domain)) {
      warn(`No signature in ${shelf.place} can be checked, because ${signer.obstacle}; nothing of it is used`);
      return undefined;
    }
    const entry = await shelf.findEntry(key, signal);
    if (entry === undefined) return undefined;
    const fault = findFault(shelf, key, entry);
    if (fault === undefined) return parseRecord(entry.record, key);
    warn(`The entry ${short(key)} of ${shelf.place} ${fault}; it is not used`);
    return undefined;
  };
  /** Only pull requests read the domains of pull requests, each its own: there nobody asks for signatures. */
  const findFault = ({ domain }: Shelf, key: string, { record, signature }: Entry): string | undefined =>
    signer === undefined || !isTrusted(domain) ? undefined : signer.findFault({ key, domain, record }, signature);

  const giveUp = (shelf: Shelf, error: unknown): void => {
    broken.add(shelf);
    warn(`${error instanceof Error ? error.message : String(error)}; ${shelf.domain} is not asked again`);
  };
  const ownShelf = (): Shelf => {
    if (own === undefined) throw new Error("This run may not write");
    return own;
  };
  const findMissing: StoreWork["findMissing"] = async (blobs, signal) => {
    const shelf = ownShelf();
    const isThere = await inTurns(blobs, (blob) => shelf.hasBlob(blob, signal));
    return blobs.filter((_, at) => isThere[at] === false);
  };

  return {
    findResult: async (key, signal) => {
      const failed = new Map<Shelf, unknown>();
      for (const shelf of shelves.filter((one) => !broken.has(one))) {
        try {
          const result = await read(shelf, key, signal);
          if (result === undefined && shelf !== shelves.at(-1)) continue;
          // A pull request may have no domain that it can read, while the trusted one answers.
          for (const [one, error] of failed) giveUp(one, error);
          for (const { digest } of result === undefined ? [] : blobsOf(result)) places.set(digest, shelf);
          return result;
        } catch (error) {
          if (signal.aborted || shelf === shelves.at(-1)) throw error;
          failed.set(shelf, error);
        }
      }
      return undefined;
    },
    readBlob: async (blob, signal) => {
      const shelf = places.get(blob.digest);
      const chunks = await shelf?.readBlob(blob, signal);
      return chunks && limit(chunks, blob);
    },
    findMissing,
    writeBlob: (blob, open, signal) => ownShelf().writeBlob(blob, open, signal),
    writeResult: async (result, signal) => {
      const shelf = ownShelf();
      const { key } = result;
      const before = await read(shelf, key, signal);
      // What has lost bytes can never be restored: it is replaced.
      if (before !== undefined && (await findMissing(blobsOf(before), signal)).length === 0) return { kept: before };
      const record = renderRecord(result);
      const signature = signer?.sign?.({ key, domain: shelf.domain, record });
      await shelf.writeEntry(result, { record, ...(signature === undefined ? {} : { signature }) }, signal);
      // Servers cannot compare and swap: of two writers the last one stays, and both look.
      const after = await read(shelf, key, signal);
      return after === undefined ? {} : { kept: after };
    },
    close,
  };
}

/** As many bytes as promised: a server may not fill the disk with one more. The digest is looked at by whoever reads. */
async function* limit(chunks: AsyncIterable<Uint8Array>, { size, digest }: Blob): AsyncGenerator<Uint8Array> {
  let rest = size;
  for await (const chunk of chunks) {
    rest -= chunk.length;
    if (rest < 0) throw new Error(`${digest} is longer than the ${size} bytes that it should have`);
    yield chunk;
  }
}

async function inTurns<T, R>(values: readonly T[], act: (value: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = values.entries();
  const work = async (): Promise<void> => {
    for (const [at, value] of queue) results[at] = await act(value);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, values.length) }, work));
  return results;
}

function short(key: string): string {
  return key.slice(0, 12);
}
