/** What a person sets once for all projects. Does not know where it is kept. */

/** `~/.config/bt/config.json` or `.yaml`. */
export interface Settings {
  readonly jobs?: number;
  /** What tasks that declare memory may have together: `8GiB`, or `50%` of the machine's. Default: all of it. */
  readonly memory?: string;
  /** The same for disk: `100GiB`, or `50%` of what is free where the project is. Default: all of it. */
  readonly disk?: string;
  /** Container engine that the image plugins use. */
  readonly engine?: string;
  /** live, grouped, prefixed, stream, none or json. */
  readonly output?: string;
  /** Registry host to the mirror asked first. */
  readonly mirrors?: Readonly<Record<string, string>>;
  /** How caches are used: off, read, write, only, or `local:rw,remote:r`. */
  readonly cache?: string;
  /** Where the local cache is, instead of `.bt/cache` of the project. */
  readonly cacheDir?: string;
  /** What the local cache may take. Default: 10. */
  readonly cacheGib?: number;
  /** What nobody used for so long leaves the local cache. Default: 30. */
  readonly cacheDays?: number;
  /** How long the end of a run waits for uploads. Default: 30. */
  readonly cacheWaitSeconds?: number;
}
