/** Every message bt can fail with. Knows nothing else of bt. */

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

/** What a BtError carries besides its problem. */
export interface BtErrorFacts {
  /** One imperative sentence: what a person does about it. */
  readonly fix: string;
  readonly at?: Place;
  /** 1 a task failed · 2 wrong input or missing prerequisite (default) · 3–63 a plugin's own kind. */
  readonly exitCode?: number;
  /** Lines shown between the place and the fix: the output of a failed command, a list of choices. */
  readonly detail?: readonly string[];
  readonly cause?: unknown;
}

/** A failure with a way out. Whatever else is thrown is a bug and ends bt with 70. */
export class BtError extends Error {
  readonly code: string;
  readonly fix: string;
  readonly at: Place | undefined;
  readonly exitCode: number;
  readonly detail: readonly string[];

  constructor(code: string, problem: string, facts: BtErrorFacts) {
    super(problem, { cause: facts.cause });
    this.name = "BtError";
    this.code = code;
    this.fix = facts.fix;
    this.at = facts.at;
    this.exitCode = facts.exitCode ?? 2;
    this.detail = facts.detail ?? [];
  }
}

/** The same error with a place, unless it has one. */
export function placed(error: BtError, at: Place | undefined): BtError {
  if (error.at !== undefined || at === undefined) return error;
  const { fix, exitCode, detail, cause } = error;
  return new BtError(error.code, error.message, { fix, exitCode, detail, cause, at });
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

export function platformUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("PLATFORM_UNKNOWN", `There is no architecture "${name}"`, {
    fix: `Use ${near === undefined ? "one of" : `"${near}", or another of`} ${known.join(", ")}.`,
  });
}

export function paramMissing(task: string, variable: string, option: string, description: string | undefined): BtError {
  return new BtError("PARAM_MISSING", `Task "${task}" needs a value for ${variable}${description === undefined ? "" : ` (${description})`}`, {
    fix: `Add ${variable}=… or \`--${option} …\`, or set ${variable} in the environment.`,
  });
}

export function paramWrong(facts: { task: string; variable: string; text: string; allowed: string; values: readonly string[] | undefined }): BtError {
  const near = facts.values === undefined ? undefined : closest(facts.text, facts.values);
  return new BtError("PARAM_WRONG", `${facts.variable} of task "${facts.task}" is "${facts.text}", but takes ${facts.allowed}`, {
    fix: near === undefined ? `Give ${facts.variable} another value; \`bt ${facts.task} --help\` describes it.` : `Use ${facts.variable}=${near}.`,
  });
}
