/** What a person sets once for all projects. Does not know where it is kept. */

/** `~/.config/bt/config.json` or `.yaml`. */
export interface Settings {
  readonly jobs?: number;
  /** Container engine that the image plugins use. */
  readonly engine?: string;
  /** live, grouped, prefixed, stream or json. */
  readonly output?: string;
  /** Registry host to the mirror asked first. */
  readonly mirrors?: Readonly<Record<string, string>>;
}
