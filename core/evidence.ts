/** What a task says of the world besides files: versions, and what its functions have looked at. Plain data; does not look at anything. */

/** Name to digest or version. `undefined`: cannot be told now. */
export type Versions = Readonly<Record<string, string | undefined>>;

/** One thing that an answer of `inputs`, `versions` or `status` came from. Paths are absolute or relative to the project root. */
export type Evidence =
  /** A file, or a folder with the names in it; its stamp is compared. */
  | { readonly kind: "file"; readonly path: string }
  /** Nothing is there. */
  | { readonly kind: "absent"; readonly path: string }
  /** A file named by its content: its size is enough, however young it is. */
  | { readonly kind: "size"; readonly path: string; readonly sizeBytes: number }
  /** A small file, with what was read. */
  | { readonly kind: "text"; readonly path: string; readonly text: string }
  /** A program is looked for in PATH. */
  | { readonly kind: "tool"; readonly name: string }
  /** What only somebody else can tell: asked every time. */
  | ({ readonly kind: "question" } & Question);

/** A question to somebody outside, such as a registry. */
export interface Question {
  /** A CommonJS script, absolute or relative to bt's program. Its `isSame(about, root)` resolves to whether the answer is what it was. */
  readonly script: string;
  /** What was asked, and the answer. Plain JSON. */
  readonly about: unknown;
}
