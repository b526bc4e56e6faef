/** What a plan of CI says. Types only; does not know how it is made. */

/** One image to build. */
export interface PlannedBuild {
  readonly stage: string;
  /** Of the version table. */
  readonly key: string;
  readonly image: string;
  readonly dockerfile: string;
  readonly platforms: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  /** Keys of builds of this plan that come first. */
  readonly needs: readonly string[];
  readonly reason: string;
}

/** One row of a matrix of GitHub Actions. */
export interface MatrixRow {
  readonly key: string;
  readonly image: string;
  readonly dockerfile: string;
  /** Joined by commas. */
  readonly platforms: string;
  /** One `NAME=value` a line. */
  readonly "build-args": string;
}

export interface Plan {
  readonly run: boolean;
  readonly dryRun?: boolean;
  readonly tag?: string;
  readonly kernels?: readonly string[];
  readonly builds?: readonly PlannedBuild[];
  /** Images that are used as they are: key to tag. */
  readonly uses?: Readonly<Record<string, string>>;
  /** What the version table would say afterwards; empty for a dry run. */
  readonly writes?: Readonly<Record<string, string>>;
  readonly stale?: readonly Stale[];
  /** Stage to `strategy.matrix`. */
  readonly matrix?: Readonly<Record<string, { readonly include: readonly MatrixRow[] }>>;
}

/** An image that no longer is what it would be if it were built now. */
export interface Stale {
  readonly key: string;
  readonly why: string;
}
