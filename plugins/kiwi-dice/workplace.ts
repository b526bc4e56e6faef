/** Where one build happens: the same few moves on every kind of host. Types only. */

/** One build's own folder and what is in it. */
export interface Job {
  /** `20261121-080000-1a2b3c4d` */
  readonly id: string;
  /** Absolute, on this machine. Holds `description`, `build`, `bundle`, `kiwi.yml`. */
  readonly folder: string;
  /** The copy of the recipe. */
  readonly description: string;
  /** Whether `folder` has a `kiwi.yml`. */
  readonly hasConfig: boolean;
}

export interface Workplace {
  /** Version of KIWI there. */
  readonly kiwi: string;
  /** Runs KIWI. Rejects when it fails. */
  readonly build: () => Promise<void>;
  /** Renames and checksums the results into `bundle`. */
  readonly bundle: () => Promise<void>;
  /** Puts these files of `build` into `bundle` as they are. */
  readonly pick: (names: readonly string[]) => Promise<void>;
  /** Text of a file of the job. Undefined: it is not there. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** Those of these files of the job that are not there. */
  readonly findMissing: (paths: readonly string[]) => Promise<readonly string[]>;
  /** Brings `bundle` here, whole. Rejects when it differs from what is there. */
  readonly collect: () => Promise<void>;
  /** Whole path of the unpacked image, for people. */
  readonly rootPath: string;
}
