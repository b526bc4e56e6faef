/** The types of a matrix: one task becomes many. Does not know what a task is. */

/** Axis name to values: one task becomes one cell per combination. */
export type Matrix = Readonly<Record<string, readonly string[]>>;
export type Cell<M extends Matrix> = { readonly [K in keyof M]: M[K][number] };
/** Names of the cells: the values of the only axis; with several axes any string (`a:b`). */
export type CellName<M extends Matrix> = string extends keyof M
  ? never
  : IsUnion<keyof M> extends true
    ? string
    : M[keyof M][number];
type IsUnion<T, U = T> = [T] extends [never] ? false : T extends unknown ? ([U] extends [T] ? false : true) : never;
