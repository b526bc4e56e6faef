/** Which caches a run uses, and how: what `--cache` and the settings say. Pure; does not know which caches there are. */

/** How a run uses its caches. */
export interface CacheChoice {
  /** What is not in a cache, and could be, fails instead of running. */
  readonly isOnly: boolean;
  /** Read, write, by name; any other is as `others` says. */
  readonly stores: Readonly<Record<string, CacheUse>>;
  readonly others: CacheUse;
}
interface CacheUse {
  readonly canRead: boolean;
  readonly canWrite: boolean;
}

/** Caches as a run is asked to use them. */
export interface CacheWish {
  readonly choice: CacheChoice;
  /** Where the local one is. Absent: where it usually is. */
  readonly folder?: string;
  /** What the local one may take. Bytes. */
  readonly sizeBytes: number;
  /** What nobody used for so long is removed. Milliseconds. */
  readonly ageMs: number;
  /** How long the end of a run waits for caches on other machines. Milliseconds. */
  readonly waitMs: number;
  /** Whether what a restored task had printed is said again. */
  readonly isReplayed: boolean;
  /** Version of this bt, for whoever looks into a result. */
  readonly by: string;
}

/** The words that stand for all caches. */
const modes = {
  off: { isOnly: false, canRead: false, canWrite: false },
  read: { isOnly: false, canRead: true, canWrite: false },
  write: { isOnly: false, canRead: false, canWrite: true },
  only: { isOnly: true, canRead: true, canWrite: false },
} as const;

/** For messages. */
export const cacheWords = "off, read, write, only, or caches with their use such as local:rw,remote:r";

/** Every cache is read, and written as far as it lets. */
const usualChoice: CacheChoice = { isOnly: false, stores: {}, others: { canRead: true, canWrite: true } };

/** What nobody has said otherwise. */
export const usualWish: CacheWish = {
  choice: usualChoice,
  sizeBytes: 10 * 1024 ** 3,
  ageMs: 30 * 24 * 3600 * 1000,
  waitMs: 30_000,
  isReplayed: true,
  by: "",
};

/** Undefined: the text means nothing. */
export function findCacheChoice(text: string): CacheChoice | undefined {
  const mode = Object.entries(modes).find(([name]) => name === text)?.[1];
  if (mode !== undefined) {
    const { isOnly, canRead, canWrite } = mode;
    return { isOnly, stores: {}, others: { canRead, canWrite } };
  }
  const parts = text.split(",").map((part) => /^([\w-]+):(r|w|rw)$/.exec(part));
  const stores = parts.flatMap((part): [string, CacheUse][] => {
    const [, name = "", use = ""] = part ?? [];
    return [[name, { canRead: use.includes("r"), canWrite: use.includes("w") }]];
  });
  if (parts.includes(null)) return undefined;
  return { isOnly: false, stores: Object.fromEntries(stores), others: { canRead: false, canWrite: false } };
}

export function useOf({ stores, others }: CacheChoice, name: string): CacheUse {
  return stores[name] ?? others;
}

/** Whether no cache is used at all. */
export function isCacheOff({ stores, others }: CacheChoice): boolean {
  return [...Object.values(stores), others].every(({ canRead, canWrite }) => !canRead && !canWrite);
}
