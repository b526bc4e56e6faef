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

export function nameClash(name: string, plugins: readonly (string | undefined)[]): BtError {
  const owners = plugins.map((plugin) => (plugin === undefined ? "the builderfile" : `plugin "${plugin}"`));
  return new BtError("NAME_CLASH", `Two tasks are called "${name}": one of ${owners[0]}, one of ${owners[1]}`, {
    fix: `Rename one of them${plugins.some((plugin) => plugin !== undefined) ? ", or give the plugin another prefix" : ""}.`,
  });
}

export function taskUnknown(name: string, known: readonly string[], neededBy?: string): BtError {
  const near = closest(name, known);
  const problem = neededBy === undefined ? `There is no task "${name}"` : `Task "${neededBy}" needs "${name}", which does not exist`;
  const otherwise = `add a task called "${name}"`;
  return new BtError("TASK_UNKNOWN", problem, {
    fix: near === undefined ? `Run \`bt\` to see every task, or ${otherwise}.` : `Use "${near}", or ${otherwise}.`,
  });
}

export function taskPrivate(name: string): BtError {
  return new BtError("TASK_PRIVATE", `Task "${name}" is private`, { fix: "Ask for a task that needs it; `bt` lists them." });
}

export function selectionEmpty(words: readonly string[]): BtError {
  return new BtError("SELECTION_EMPTY", words.length === 0 ? "No task is left to run" : `No task matches ${words.map((word) => `"${word}"`).join(" ")}`, {
    fix: "Run `bt` to see every task.",
  });
}

export function cellUnknown(task: string, cell: string, known: readonly string[]): BtError {
  const near = closest(cell, known);
  return new BtError("CELL_UNKNOWN", cell === "" ? `Task "${task}" is needed for the cell of the same name by a task without cells` : `Task "${task}" has no cell "${cell}"`, {
    fix: `Use ${near === undefined ? "one of" : `"${near}", or another of`} ${known.join(", ")}.`,
  });
}

export function handleUnlisted(from: string, description: string | undefined): BtError {
  return new BtError("HANDLE_UNLISTED", `Task "${from}" needs a task${description === undefined ? "" : ` ("${description}")`} that the builderfile does not list`, {
    fix: "Add that task to `tasks`, or its plugin to `plugins`, of defineBuilder.",
  });
}

export function cycle(path: readonly string[], stack?: string): BtError {
  const [first, second] = path;
  return new BtError("CYCLE", `Tasks need each other in a circle: ${path.join(" → ")}`, {
    fix: first === second ? `Remove "${first}" from its own needs.` : `Remove "${second}" from the needs of "${first}", or break the circle elsewhere.`,
    cause: stack,
  });
}

export function outputTwice(path: string, tasks: readonly [string, string]): BtError {
  return new BtError("OUTPUT_TWICE", `Tasks "${tasks[0]}" and "${tasks[1]}" both write "${path}"`, {
    fix: "Give one of them another output, or let one task write it and the other need it.",
  });
}

export function outputOutside(task: string, path: string): BtError {
  return new BtError("OUTPUT_OUTSIDE", `Task "${task}" writes "${path}", which lies outside the project`, {
    fix: "Use a path below the folder of the builderfile, or say `external: true`.",
  });
}

export function secretShort(shortest: number): BtError {
  return new BtError("SECRET_SHORT", `A secret is shorter than ${shortest} bytes; hiding it would hide half of every output`, {
    fix: "Use a longer secret, or do not declare this value as one.",
  });
}

export function stateUnwritable(file: string, cause: unknown): BtError {
  const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  const known: Readonly<Record<string, string>> = { ENOSPC: "the disk is full", EACCES: "permission is denied", EROFS: "the file system is read-only", EDQUOT: "the quota is used up" };
  return new BtError("STATE_UNWRITABLE", `The state cannot be written: ${known[why] ?? why}`, {
    at: { where: file },
    fix: "Make room, or make the folder writable; what was remembered before is still there.",
    cause,
  });
}

export function pluginFailed(plugin: string, when: string, cause: unknown): BtError {
  return new BtError("PLUGIN_FAILED", `Plugin "${plugin}" failed ${when}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    at: { where: `plugin "${plugin}"` },
    fix: `Correct the plugin, or leave it out of \`plugins\`.`,
    exitCode: 2,
    cause,
  });
}

export function pluginTwice(plugin: string): BtError {
  return new BtError("PLUGIN_TWICE", `Plugin "${plugin}" is in the builderfile twice`, {
    at: { where: `plugin "${plugin}"` },
    fix: "Leave one of them out, or give one another `name`.",
  });
}

export function builderShape(problem: string, fix: string, at?: Place): BtError {
  return new BtError("BUILDER_SHAPE", `The builderfile is not as it should be: ${problem}`, { fix, ...(at === undefined ? {} : { at }) });
}

export function commandFailed(facts: { task: string; command: string; exit: string; cwd: string; lines: readonly string[] }): BtError {
  const where = facts.cwd === "" ? "" : ` in "${facts.cwd}"`;
  return new BtError("COMMAND_FAILED", `\`${facts.command}\`${where} ${facts.exit}`, {
    at: { where: `task "${facts.task}"` },
    detail: facts.lines,
    fix: "Correct what its output names, then run the same command again.",
    exitCode: 1,
  });
}

export function commandMissing(facts: { task: string; file: string; cwd: string }): BtError {
  const where = facts.cwd === "" ? "" : `, or no folder "${facts.cwd}" to run it in`;
  return new BtError("COMMAND_MISSING", `There is no program "${facts.file}" on PATH${where}`, {
    at: { where: `task "${facts.task}"` },
    fix: `Install "${facts.file}", or correct its name in the task.`,
    exitCode: 1,
  });
}

export function outputMissing(task: string, output: string): BtError {
  return new BtError("OUTPUT_MISSING", `Task "${task}" succeeded without making its output "${output}"`, {
    at: { where: `task "${task}"` },
    fix: "Make the task write it, or correct `outputs`.",
    exitCode: 1,
  });
}

export function resultNotJson(task: string, why: string): BtError {
  return new BtError("RESULT_NOT_JSON", `The result of task "${task}" cannot be remembered: ${why}`, {
    at: { where: `task "${task}"` },
    fix: "Return plain data: strings, numbers, booleans, lists and records.",
    exitCode: 1,
  });
}

export function taskTimedOut(task: string, timeoutMs: number): BtError {
  return new BtError("TASK_TIMED_OUT", `Task "${task}" was not done after ${timeoutMs / 1000} s`, {
    at: { where: `task "${task}"` },
    fix: "Make it faster, or raise its `timeoutMs`.",
    exitCode: 1,
  });
}

export function poolUnknown(task: string, pool: string, known: readonly string[]): BtError {
  return new BtError("POOL_UNKNOWN", `Task "${task}" is in the pool "${pool}", which has no capacity`, {
    fix: `Say \`pools: { "${pool}": 1 }\` in defineBuilder${closest(pool, known) === undefined ? "" : `, or use "${closest(pool, known)}"`}.`,
  });
}

export function validationFailed(task: string, validation: string): BtError {
  return new BtError("VALIDATION_FAILED", `Task "${task}" may not publish, because its validation "${validation}" failed`, {
    at: { where: `task "${task}"` },
    fix: `Correct what "${validation}" found; nothing was made visible.`,
    exitCode: 1,
  });
}

export function builderfileMissing(file: string | undefined, from: string | undefined): BtError {
  if (file !== undefined) {
    return new BtError("BUILDERFILE_MISSING", `There is no file "${file}"`, { fix: "Correct the path of the builderfile.", ...(from === undefined ? {} : { at: { where: from } }) });
  }
  return new BtError("BUILDERFILE_MISSING", `There is no builderfile in "${from}" or above`, {
    fix: "Write a builderfile.ts, or name one with `-f FILE` or its folder with `-C DIR`.",
  });
}

export function builderfileSyntax(text: string, at: Place | undefined): BtError {
  return new BtError("BUILDERFILE_SYNTAX", `The builderfile cannot be compiled: ${text.replace(/\.$/, "")}`, {
    fix: "Correct this line.",
    ...(at === undefined ? {} : { at }),
  });
}

export function builderfileThrew(cause: unknown, at: Place, isModuleMissing: boolean): BtError {
  return new BtError("BUILDERFILE_THREW", `The builderfile failed while it was read: ${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)}`, {
    at,
    fix: isModuleMissing ? "Install the package (`npm install`), or correct the import." : "Correct what it does outside of tasks.",
    cause,
  });
}

export function settingsWrong(file: string, problem: string, known: readonly string[]): BtError {
  return new BtError("SETTINGS_WRONG", `The settings cannot be used: ${problem.split("\n")[0]}`, { at: { where: file }, fix: `Settings are ${known.join(", ")}.` });
}

export function taskShape(field: string, found: string, allowed: string): BtError {
  return new BtError("TASK_SHAPE", `"${field}" of a task is ${found}, but takes ${allowed}`, { fix: `Correct "${field}".` });
}

export function taskFieldUnknown(field: string, known: readonly string[]): BtError {
  const near = closest(field, known);
  return new BtError("TASK_SHAPE", `A task has no "${field}"`, { fix: near === undefined ? `Use ${known.join(", ")}.` : `Use "${near}".` });
}

export function variableUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("VARIABLE_UNKNOWN", `No task of this run has a param "${name}"`, {
    fix: near !== undefined ? `Use ${near}=….` : known.length === 0 ? "Leave it out: these tasks have no params." : `Use one of ${known.join(", ")}.`,
  });
}

export function actionThrew(task: string, cause: unknown, at: Place | undefined): BtError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [problem = "", ...detail] = message.split("\n");
  return new BtError("ACTION_THREW", `Task "${task}" threw ${cause instanceof Error ? cause.name : "a value"}: ${problem}`, {
    at: at ?? { where: `task "${task}"` },
    detail,
    fix: "Correct the task's action, or handle the error in it.",
    exitCode: 1,
    cause,
  });
}

export function resultSecret(task: string): BtError {
  return new BtError("RESULT_SECRET", `The result of task "${task}" contains a secret`, {
    at: { where: `task "${task}"` },
    fix: "Return something else: results are remembered in files.",
    exitCode: 1,
  });
}

export function inputMissing(task: string, input: string): BtError {
  return new BtError("INPUT_MISSING", `Task "${task}" reads "${input}", which does not exist and which no task makes`, {
    at: { where: `task "${task}"` },
    fix: "Create the file, correct the path, or declare it among the `outputs` of the task that makes it.",
  });
}

export function onlyStale(target: string, needs: readonly string[]): BtError {
  return new BtError("ONLY_STALE", `"${target}" needs ${needs.map((need) => `"${need}"`).join(", ")}, which would have to run first`, {
    fix: "Leave out `--only`, or say `--only=force` to run it on what is there.",
  });
}

export function confirmRefused(task: string, question: string, isAsked: boolean): BtError {
  return new BtError("CONFIRM_REFUSED", `Task "${task}" asks "${question}", and ${isAsked ? "the answer was no" : "there is no terminal to answer on"}`, {
    fix: "Answer yes, or add `--yes`.",
  });
}

export function restUnwanted(tasks: readonly string[]): BtError {
  return new BtError("REST_UNWANTED", `Words after \`--\` go to one task that takes them, but this run has ${tasks.length === 1 ? `"${tasks[0]}", which does not` : `${tasks.length} targets`}`, {
    fix: "Leave them out, or say `rest: true` in the task and run it alone.",
  });
}

export function optionUnknown(option: string, known: readonly string[]): BtError {
  const near = closest(option, known);
  return new BtError("OPTION_UNKNOWN", `There is no option "${option}"`, {
    fix: near === undefined || option.length <= 2 ? "Run `bt --help` to see every option." : `Use "${near}"; \`bt --help\` lists every option.`,
  });
}

export function optionValue(option: string): BtError {
  return new BtError("OPTION_VALUE", `Option "${option}" needs a value`, { fix: `Write \`${option} VALUE\`.` });
}

export function optionWrong(option: string, value: string, allowed: string): BtError {
  return new BtError("OPTION_WRONG", `Option "${option}" is "${value}", but takes ${allowed}`, { fix: "Give it one of these values." });
}

export function directoryMissing(folder: string): BtError {
  return new BtError("DIRECTORY_MISSING", `There is no folder "${folder}"`, { fix: "Correct the folder after `-C`." });
}
