/** Tasks that fail while they run. Does not know what runs them. */
import { BtError, firstLine, isBtError, type Place, type PlaceOf } from "../errors.ts";

export function actionThrew(task: string, cause: unknown, at: Place | undefined): BtError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [problem = "", ...detail] = message.split("\n");
  return new BtError(
    "ACTION_THREW",
    `Task "${task}" threw ${cause instanceof Error ? cause.name : "a value"}: ${problem}`,
    {
      at: at ?? { where: `task "${task}"` },
      detail,
      fix: "Correct the task's action, or handle the error in it.",
      exitCode: 1,
      cause,
    },
  );
}

export function cacheMiss(task: string): BtError {
  return new BtError("CACHE_MISS", `Task "${task}" is in no cache, and only what is in one may be taken`, {
    fix: "Leave out `--cache=only` to run it.",
    exitCode: 1,
  });
}

export function commandFailed(facts: {
  readonly task: string;
  readonly command: string;
  readonly exit: string;
  readonly cwd: string;
  readonly lines: readonly string[];
}): BtError {
  const where = facts.cwd === "" ? "" : ` in "${facts.cwd}"`;
  const isJobserver = facts.lines.some((line) => line.includes("invalid --jobserver-auth string"));
  const correct = isJobserver
    ? 'Leave out `jobserver: "fifo"` of the task: this make is older than 4.4.'
    : "Correct what its output names, then run bt again.";
  return new BtError("COMMAND_FAILED", `\`${facts.command}\`${where} ${facts.exit}`, {
    at: { where: `task "${facts.task}"` },
    detail: facts.lines,
    fix: facts.lines.length === 0 ? "Correct the command, then run bt again." : correct,
    exitCode: 1,
  });
}

/** `why`: it is not there · it may not be executed · the folder to run it in is not there. */
export function commandMissing(facts: {
  readonly task: string;
  readonly file: string;
  readonly cwd: string;
  readonly why: "absent" | "forbidden" | "no-folder";
}): BtError {
  const { task, file, cwd, why } = facts;
  const at = { where: `task "${task}"` };
  if (why === "no-folder") {
    const problem = `There is no folder "${cwd}" to run \`${file}\` in`;
    return new BtError("COMMAND_MISSING", problem, { at, fix: "Create it first, or correct `cwd`.", exitCode: 1 });
  }
  if (why === "forbidden") {
    const problem = `"${file}" may not be executed`;
    return new BtError("COMMAND_MISSING", problem, {
      at,
      fix: `Run \`chmod +x ${file}\`, or name a program.`,
      exitCode: 1,
    });
  }
  const isPath = file.includes("/");
  return new BtError("COMMAND_MISSING", `There is no program "${file}"${isPath ? "" : " on PATH"}`, {
    at,
    fix: isPath
      ? "Make it first, or correct its path in the task."
      : `Install "${file}", or correct its name in the task.`,
    exitCode: 1,
  });
}

/** A task is over, and commands that it has started are not. */
export function commandUnawaited(task: string, commands: readonly string[]): BtError {
  const verb = commands.length === 1 ? "was" : "were";
  return new BtError(
    "COMMAND_UNAWAITED",
    `Task "${task}" ended while ${commands.map((command) => `\`${command}\``).join(" and ")} ${verb} still running`,
    {
      at: { where: `task "${task}"` },
      fix: "Write `await` before the command, or end it with `defer`.",
      exitCode: 1,
    },
  );
}

/** A rejected promise, or what a callback threw. Which task it was is not known; where, if it was in the builderfile. */
export function errorStrayed(error: unknown, placeOf: PlaceOf): BtError {
  const stack = error instanceof Error ? error.stack : undefined;
  const place = placeOf(stack);
  const where = place === undefined ? "" : ` (${place.where}:${place.line})`;
  return new BtError("ERROR_STRAYED", `The run ends: nothing waited for what failed: ${strayText(error)}${where}`, {
    fix: "Write `await` before every promise in an action, and catch what its callbacks throw.",
    exitCode: 1,
    cause: error,
  });
}

function strayText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (isBtError(error)) return error.message;
  if (Object.prototype.toString.call(error) === "[object ProcessOutput]" && "exitCode" in error)
    return `a command of \`$\` ended with ${String(error.exitCode ?? ("signal" in error ? error.signal : ""))}`;
  return `${error.name}: ${error.message}`;
}

/** A recipe of a Makefile that a task runs. */
export function makeFailed(facts: {
  readonly task: string;
  readonly target: string;
  /** As make says it: `Error 2`. */
  readonly why: string;
  readonly lines: readonly string[];
  readonly at: Place;
}): BtError {
  const { task, target, why, lines, at } = facts;
  return new BtError("MAKE_FAILED", `make could not make "${target}" for task "${task}": ${why}`, {
    at,
    detail: lines,
    fix: "Correct the recipe, or what its output names, then run bt again.",
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

export function outputSecret(task: string): BtError {
  return new BtError("OUTPUT_SECRET", `The name of an output of task "${task}" contains a secret`, {
    at: { where: `task "${task}"` },
    fix: "Call it something else: names of outputs are remembered in files, and sent to caches.",
    exitCode: 1,
  });
}

export function resultNotJson(task: string, why: string): BtError {
  return new BtError("RESULT_NOT_JSON", `The result of task "${task}" cannot be remembered: ${firstLine(why)}`, {
    at: { where: `task "${task}"` },
    fix: "Return plain data: strings, numbers, booleans, lists and records.",
    exitCode: 1,
  });
}

export function resultSecret(task: string): BtError {
  return new BtError("RESULT_SECRET", `The result of task "${task}" contains a secret`, {
    at: { where: `task "${task}"` },
    fix: "Return something else: results are remembered in files.",
    exitCode: 1,
  });
}

export function secretShort(shortestBytes: number): BtError {
  return new BtError(
    "SECRET_SHORT",
    `A secret is shorter than ${shortestBytes} bytes; hiding it would hide half of every output`,
    {
      fix: "Use a longer secret, or do not declare this value as one.",
    },
  );
}

/** `isReady`: it could be used before. `cause`: how it failed; absent when it ended with success. */
export function serviceEnded(
  task: string,
  facts: { readonly isReady: boolean; readonly lines: readonly string[]; readonly cause?: unknown },
): BtError {
  const when = facts.isReady ? "while it was needed" : "before it was ready";
  return new BtError("SERVICE_ENDED", `Service "${task}" ended ${when}`, {
    detail: [...(facts.cause === undefined ? [] : [firstLine(facts.cause)]), ...facts.lines],
    fix: "A service has to run until it is stopped: correct its command.",
    exitCode: 1,
    cause: facts.cause,
  });
}

/** What happens to a task in the middle of which a service of its ends. */
export function serviceLost(service: string, cause: BtError): BtError {
  return new BtError("SERVICE_LOST", `It needs service "${service}", which has ended`, {
    detail: cause.detail,
    fix: `Look at what "${service}" said, then run bt again.`,
    exitCode: 1,
    cause,
  });
}

export function serviceUnready(task: string, patienceMs: number, lines: readonly string[]): BtError {
  return new BtError("SERVICE_UNREADY", `Service "${task}" was not ready after ${patienceMs / 1000} s`, {
    detail: lines,
    fix: "Correct `readyWhen`, or raise its `timeoutMs`.",
    exitCode: 1,
  });
}

/** @param timeoutMs of the task; absent: the time of the whole run was over */
export function taskTimedOut(task: string, timeoutMs?: number): BtError {
  const [when, fix] =
    timeoutMs === undefined
      ? ["when the time of the run was over", "Raise `--timeout`."]
      : [`after ${timeoutMs / 1000} s`, "Make it faster, or raise its `timeoutMs`."];
  return new BtError("TASK_TIMED_OUT", `Task "${task}" was not done ${when}`, {
    at: { where: `task "${task}"` },
    fix,
    exitCode: 1,
  });
}

export function validationFailed(task: string, validation: string): BtError {
  return new BtError(
    "VALIDATION_FAILED",
    `Task "${task}" may not publish, because its validation "${validation}" failed`,
    {
      at: { where: `task "${task}"` },
      fix: `Correct what "${validation}" found; nothing was made visible.`,
      exitCode: 1,
    },
  );
}
