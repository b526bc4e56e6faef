/** Caches in the order they are asked: what fails is a miss, and what keeps failing is left alone. Does not know what results are for. */
import { setMaxListeners } from "node:events";
import { blobsOf, type Blob, type CachedResult, type CacheStore } from "../cache-store.ts";
import { hasCode } from "../files.ts";
import { provenBytes, readChunks } from "./blob.ts";
import { useOf, type CacheWish } from "./choice.ts";
import { differingOutput, type LocalStore } from "./local.ts";
import { isWrongBlob } from "./wrong.ts";

/** One cache of a run, with what is known of it. */
export interface Member {
  readonly store: CacheStore;
  /** This machine's own: no waiting, no connection. */
  readonly local?: LocalStore;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** What it does, or undefined when it fails, takes too long, or has failed too often. */
  readonly ask: <T>(act: (signal: AbortSignal) => Promise<T>, sizeBytes?: number) => Promise<T | undefined>;
  /** Says once what has failed, if anything has and nobody was told. */
  readonly report: () => void;
}

export interface ChainOptions {
  readonly wish: CacheWish;
  readonly local: LocalStore | undefined;
  readonly warn: (text: string, fix?: string) => void;
  /** Ends everything that waits. */
  readonly signal: AbortSignal;
}

/** Failures in a row after which a cache is left alone for the run. */
const patience = 3;
/** For an answer that carries nothing, and besides that for every MiB. Milliseconds. */
const waitMs = 10_000;
const waitPerMibMs = 2000;

export function createChain(
  stores: readonly CacheStore[],
  { wish, local, warn, signal }: ChainOptions,
): readonly Member[] {
  setMaxListeners(0, signal); // One for each question that is open.
  return stores.map((store): Member => {
    const isLocal = store === local;
    const use = useOf(wish.choice, store.name);
    let row = 0;
    let failures = 0;
    let last = "";
    let isOff = false;
    const fail = (error: unknown): void => {
      if (isWrongBlob(error)) warn(`Cache "${store.name}" gave bytes that are not ${error.blob.digest}`, wrongFix);
      else failures++;
      last = error instanceof Error ? error.message : String(error);
      if (isOff || ++row < patience) return;
      isOff = true; // And stays so, whatever becomes of the questions that are still open.
      warn(`Cache "${store.name}" is not used any more in this run: ${last}`);
    };
    return {
      store,
      ...(isLocal ? { local } : {}),
      canRead: use.canRead,
      canWrite: use.canWrite && store.canWrite,
      async ask(act, sizeBytes = 0) {
        if (isOff || signal.aborted) return undefined;
        const limit = createLimit(signal, isLocal ? undefined : waitMs + (sizeBytes / (1 << 20)) * waitPerMibMs);
        try {
          const answer = await Promise.race([act(limit.signal), limit.expired]);
          row = 0;
          return answer;
        } catch (error) {
          if (signal.aborted || error instanceof SourceChanged) return undefined; // Not the cache's fault.
          fail(error);
          return undefined;
        } finally {
          limit.clear();
        }
      },
      report() {
        if (failures > 0 && !isOff)
          warn(`Cache "${store.name}" failed${failures === 1 ? "" : ` ${failures} times`}: ${last}`);
        failures = 0;
      },
    };
  });
}

const wrongFix = "Nothing to do for this run: the task was run, or another cache asked.";

function createLimit(
  outer: AbortSignal,
  ms: number | undefined,
): { readonly signal: AbortSignal; readonly expired: Promise<never>; readonly clear: () => void } {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal); // One for each blob that is asked for.
  let refuse: (error: unknown) => void = () => {};
  const expired = new Promise<never>((_, reject) => (refuse = reject));
  expired.catch(() => {}); // Only who still waits is told.
  const stop = (error: Error): void => (controller.abort(error), refuse(error));
  const follow = (): void => stop(new Error("the run was interrupted"));
  outer.addEventListener("abort", follow, { once: true });
  const timer =
    ms === undefined ? undefined : setTimeout(() => stop(new Error(`no answer in ${Math.round(ms / 1000)} s`)), ms);
  return {
    signal: controller.signal,
    expired,
    clear: () => (clearTimeout(timer), outer.removeEventListener("abort", follow)),
  };
}

/** Where bytes are at hand, by digest: in memory, or in files, one after another; absolute paths. */
export type Sources = ReadonlyMap<string, Buffer | readonly string[]>;

/** Bytes of a result, from wherever they are at hand. */
export type Open = (blob: Blob) => AsyncIterable<Uint8Array>;

/** What was to be kept is not there any more as it was. */
class SourceChanged extends Error {}

/** Opens what was just made for a cache, from its files or from memory. @throws SourceChanged when it has changed meanwhile */
export function openSources(sources: Sources, { local }: Member): Open {
  return async function* open(blob) {
    const source = sources.get(blob.digest);
    try {
      // The own store proves what it writes.
      if (Buffer.isBuffer(source)) yield Buffer.from(source); // Another cache gets it as well.
      else if (source !== undefined) yield* local ? readFiles(source) : provenBytes(blob, readFiles(source));
    } catch (error) {
      if (isWrongBlob(error) || hasCode(error, "ENOENT")) throw new SourceChanged();
      throw error;
    }
  };
}

async function* readFiles(files: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const file of files) yield* readChunks(file);
}

/** Blobs moved at the same time. */
const width = 4;

/** Writes a result into one cache, its blobs first. Returns what that cache keeps instead. */
export async function writeTo(
  { ask, store, local }: Member,
  result: CachedResult,
  { open, isForced }: { readonly open: Open; readonly isForced: boolean },
): Promise<{ readonly kept?: CachedResult } | undefined> {
  const missing = await ask((signal) => store.findMissing(blobsOf(result), signal));
  if (missing === undefined) return undefined;
  let hasFailed = false;
  const queue = [...missing];
  const work = async (): Promise<void> => {
    for (let blob = queue.pop(); blob !== undefined && !hasFailed; blob = queue.pop()) {
      const next = blob;
      const done = await ask(async (signal) => {
        await store
          .writeBlob(next, () => open(next), signal)
          .catch((error: unknown) => {
            throw local !== undefined && isWrongBlob(error) ? new SourceChanged() : error;
          });
        return true;
      }, next.size);
      if (done === undefined) hasFailed = true;
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  if (hasFailed) return undefined;
  return await ask(async (signal) => {
    const answer = await store.writeResult(result, signal);
    if (answer.kept === undefined || differingOutput(answer.kept, result) === undefined) return {};
    if (isForced) await local?.replaceResult(result);
    return answer;
  });
}
