/** Past runs that cannot be shown, resumed or replayed. Does not know who found out. */
import { BtError, closest, quoteNames } from "../errors.ts";

export function runDone(run: string): BtError {
  return new BtError("RUN_DONE", `Run "${run}" has succeeded: there is nothing to resume`, {
    fix: "Name another run: `bt --resume=RUN`; `bt --runs` lists them.",
  });
}

export function runMissing(run: string, known: readonly string[]): BtError {
  const near = closest(run, known);
  const fix = near === undefined ? "`bt --runs` lists the runs that are kept." : `Use "${near}".`;
  return new BtError("RUN_MISSING", run === "last" ? "No run is remembered" : `There is no run "${run}"`, { fix });
}

/** `now`: absent when no commit can be told. */
export function runMoved(run: string, before: string, now: string | undefined): BtError {
  const here = now === undefined ? "the commit of this folder cannot be told" : `this folder is at ${now.slice(0, 12)}`;
  return new BtError("RUN_MOVED", `Run "${run}" was made at commit ${before.slice(0, 12)}, and ${here}`, {
    fix: `Check that commit out: \`git checkout ${before.slice(0, 12)}\`.`,
  });
}

export function runTaskMissing(run: string, task: string): BtError {
  return new BtError("RUN_TASK_MISSING", `Nothing is remembered of task "${task}" in ${run}`, {
    fix: "Name a run in which it was: `bt --runs` lists them.",
  });
}

export function runUnrepeatable(run: string): BtError {
  return new BtError("RUN_UNREPEATABLE", `The record of run "${run}" does not say what was asked for`, {
    fix: "It was written by an older bt: run the tasks by name.",
  });
}

export function runWords(option: string, words: readonly string[]): BtError {
  return new BtError(
    "RUN_WORDS",
    `${option} runs the tasks of a past run, and ${quoteNames(words)} was asked for too`,
    {
      fix: `Leave out the task, or leave out \`${option}\`.`,
    },
  );
}

/** `takers`: how options that ask for a past run are written. */
export function optionAlone(option: string, takers: readonly string[]): BtError {
  return new BtError("OPTION_ALONE", `Option "${option}" names a past run, and nothing here asks for one`, {
    fix: `Write it after ${takers.map((taker) => `\`${taker}\``).join(" or ")}; \`bt --runs\` lists past runs.`,
  });
}
