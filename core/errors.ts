/** How bt fails: an error with a place and a way out. The messages stand in errors/; knows nothing else of bt. */

/** Where a mistake is: a position in a file, or a name such as `plugin "x"`. */
export interface Place {
  /** `builderfile.ts`, or `plugin "x"`, `task "y"`. */
  readonly where: string;
  /** 1-based. Absent: the whole file or thing. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Text of that line, shown below the position. */
  readonly source?: string;
}

/** Where code was when it did something: the stack of a captured error. */
export interface Site {
  readonly stack?: string;
}

/** Finds the line of the builderfile that a stack leads to. */
export type PlaceOf = (stack: string | undefined) => Place | undefined;

/** What a BtError carries besides its problem. */
export interface BtErrorFacts {
  /** One imperative sentence: what a person does about it. */
  readonly fix: string;
  readonly at?: Place;
  /** Becomes the place, as soon as somebody who knows the builderfile gets hold of the error. */
  readonly site?: Site | undefined;
  /** 1 a task failed · 2 wrong input or missing prerequisite (default) · 3–63 a plugin's own kind. */
  readonly exitCode?: number;
  /** Wrong input that only a task could find: the run ends with 2 when nothing else has failed. Default: false, a task's failure is 1. */
  readonly isRefusal?: boolean;
  /** Lines shown between the place and the fix: the output of a failed command, a list of choices. */
  readonly detail?: readonly string[];
  readonly cause?: unknown;
}

/** A failure with a way out. Whatever else is thrown is a bug and ends bt with 70. */
export class BtError extends Error {
  readonly code: string;
  readonly fix: string;
  readonly at: Place | undefined;
  readonly site: Site | undefined;
  readonly exitCode: number;
  readonly isRefusal: boolean;
  readonly detail: readonly string[];

  constructor(code: string, problem: string, facts: BtErrorFacts) {
    super(problem, { cause: facts.cause });
    this.name = "BtError";
    this.code = code;
    this.fix = facts.fix;
    this.at = facts.at;
    this.site = facts.site;
    this.exitCode = facts.exitCode ?? 2;
    this.isRefusal = facts.isRefusal ?? false;
    this.detail = facts.detail ?? [];
  }
}

/** The same error with a place, unless it has one. */
export function placed(error: BtError, at: Place | undefined): BtError {
  if (error.at !== undefined || at === undefined) return error;
  const { fix, exitCode, isRefusal, detail, cause } = error;
  return new BtError(error.code, error.message, { fix, exitCode, isRefusal, detail, cause, at });
}

/** The same error with a site, unless it knows where it is. */
export function sited(error: BtError, site: Site): BtError {
  if (error.at !== undefined || error.site !== undefined) return error;
  const { fix, exitCode, isRefusal, detail, cause } = error;
  return new BtError(error.code, error.message, { fix, exitCode, isRefusal, detail, cause, site });
}

/** All BtErrors in `error`; anything else that is in it comes as it is. */
function listErrors(error: unknown): readonly unknown[] {
  return error instanceof AggregateError && error.errors.length > 0 ? error.errors.flatMap(listErrors) : [error];
}

/** Throws what has been collected, if anything: one mistake as itself, several together, the same one only once. */
export function throwAll(mistakes: readonly unknown[]): void {
  const all = mistakes.flatMap(listErrors);
  const unique = [...new Map(all.map((one) => [one instanceof Error ? one.message : one, one])).values()];
  if (unique.length === 1) throw unique[0];
  if (unique.length > 1) throw new AggregateError(unique);
}

/** The same errors with the places that their sites lead to; several are in the order of the files. */
export function placeErrors(error: unknown, placeOf: PlaceOf): unknown {
  const all = listErrors(error).map((one) =>
    isBtError(one) && one.site !== undefined ? placed(one, placeOf(one.site.stack)) : one,
  );
  return all.length === 1 ? all[0] : new AggregateError(all.sort(byPlace));
}

function byPlace(a: unknown, b: unknown): number {
  const [one, other] = [a, b].map((error) => (isBtError(error) ? error.at : undefined));
  if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
  if (one.where !== other.where) return one.where < other.where ? -1 : 1;
  return (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
}

/** Whether `error` is a BtError, also one of another copy of this module. */
export function isBtError(error: unknown): error is BtError {
  return error instanceof Error && error.name === "BtError" && "fix" in error && "exitCode" in error;
}

/** The known name nearest to `name`; a swap of neighbours counts as one edit. Undefined: nothing is near. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of [...known].sort()) {
    const distance = editDistance(fold(name), fold(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `_` and `-` are near, and so are cases. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** Optimal string alignment distance. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, before[j - 2]! + 1);
      row.push(value);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}

/** `"a"`, `"a" and "b"`, `"a", "b" and "c"`. */
export function quoteNames(names: readonly string[]): string {
  const quoted = names.map((name) => `"${name}"`);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

/** The message of whatever was thrown, its first line. */
export function firstLine(error: unknown): string {
  const [line = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return line;
}
