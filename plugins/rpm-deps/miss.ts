/** What a check found missing. Types only. */

/** A package that trees want and nobody offers. */
export interface Miss {
  readonly package: string;
  readonly stream: string;
  readonly arch: string;
  /** Absent: it has no pin. */
  readonly pin?: string;
  /** The version that was asked for. Absent: any. */
  readonly wanted?: string;
  readonly trees: readonly string[];
  /** What there is, newest first. */
  readonly available: readonly { readonly evr: string; readonly repository: string }[];
  /** Architectures of the same stream that have what was asked for. */
  readonly elsewhere: readonly string[];
}
