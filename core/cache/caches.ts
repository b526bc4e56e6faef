/** The caches of one bt, opened once for whoever plans and whoever restores, so that nobody is asked the same twice. Does not know what the answers are for. */
import type { CachedResult, CacheStore } from "../cache-store.ts";
import type { Hooks } from "../hooks.ts";
import { createChain, type Member } from "./chain.ts";
import type { CacheWish } from "./choice.ts";
import { openLocalStore, type LocalStore } from "./local.ts";
import { findCachePlace, type CachePlace } from "./place.ts";

export interface CachesOptions {
  /** Project root, absolute. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly wish: CacheWish;
  readonly hooks: Hooks;
  /** Whether caches on other machines may be asked. */
  readonly mayConnect: boolean;
}

type Warn = (text: string, fix?: string) => void;

export interface Caches {
  readonly place: CachePlace;
  readonly local: LocalStore;
  /** In the order they are asked. */
  readonly members: readonly Member[];
  /** Its result of a key, without a byte of its files; nothing changes. What another machine says is not asked for again when the result is taken. */
  readonly look: (member: Member, key: string) => Promise<CachedResult | undefined>;
  /** Results that were found on other machines and not taken, with the names of their caches. */
  readonly untaken: () => readonly (readonly [from: string, result: CachedResult])[];
  /** Says where warnings go; those so far go there too. */
  readonly hear: (warn: Warn) => void;
  /** Ends what waits when this is aborted. */
  readonly heed: (signal: AbortSignal) => void;
  /** Says what has failed, and ends all. More than once is once. */
  readonly close: () => Promise<void>;
}

export function openCaches({ root, env, wish, hooks, mayConnect }: CachesOptions): Caches {
  const place = findCachePlace(root, env, wish.folder);
  const local = openLocalStore(place);
  const early: Parameters<Warn>[] = [];
  let tell: Warn = (...words) => void early.push(words);
  const warn: Warn = (...words) => tell(...words);
  const others = mayConnect && hooks.cache.isUsed();
  const stores: readonly CacheStore[] = others ? hooks.cache.call([local], { env, warn }) : [local];
  const over = new AbortController();
  const answers = new Map<CacheStore, Answers>();
  const remembering = stores.map((store) => {
    if (store === local) return store;
    const own: Answers = new Map();
    const one = withAnswers(store, own);
    answers.set(one, own);
    return one;
  });
  const members = createChain(remembering, { wish, local, warn, signal: over.signal });
  let isClosed = false;
  return {
    place,
    local,
    members,
    async look({ store, ask }, key) {
      const own = answers.get(store);
      if (own === undefined) return local.peekResult(key);
      if (!own.has(key)) {
        const answer = await ask(async (signal) => ({ result: await store.findResult(key, signal) }));
        if (answer === undefined) return undefined; // It has failed; the next time it may not.
        own.set(key, answer.result);
      }
      return own.get(key);
    },
    untaken: () =>
      [...answers].flatMap(([{ name }, own]) =>
        [...own.values()].flatMap((result) => (result === undefined ? [] : [[name, result] as const])),
      ),
    hear(say) {
      tell = say;
      for (const words of early.splice(0)) say(...words);
    },
    heed(signal) {
      const stop = (): void => over.abort(signal.reason);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true, signal: over.signal });
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const { report } of members) report();
      over.abort(new Error("nothing more is asked"));
      for (const { store } of members) await store.close?.().catch(() => {}); // Nobody waits for it any more.
    },
  };
}

/** What a store has said of keys; undefined is a miss. */
type Answers = Map<string, CachedResult | undefined>;

/** The same store, which gives an answer that it has given before from memory, once. */
function withAnswers(store: CacheStore, answers: Answers): CacheStore {
  return {
    name: store.name,
    canWrite: store.canWrite,
    async findResult(key, signal) {
      if (!answers.has(key)) return await store.findResult(key, signal);
      const result = answers.get(key);
      answers.delete(key);
      return result;
    },
    readBlob: (blob, signal) => store.readBlob(blob, signal),
    findMissing: (blobs, signal) => store.findMissing(blobs, signal),
    writeBlob: (blob, open, signal) => store.writeBlob(blob, open, signal),
    writeResult: (result, signal) => store.writeResult(result, signal),
    close: async () => await store.close?.(),
  };
}
