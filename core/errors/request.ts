/** A command line, a value or a setting that asks for what is not there. Does not know who found out. */
import { BtError, closest, quoteNames, type Place, type Site } from "../errors.ts";

export function acceptWrong(file: string): BtError {
  return new BtError("ACCEPT_WRONG", `"${file}" is no file of accepted differences`, {
    fix: "Correct it, or remove it: `bt --import-make --accept` writes a new one.",
  });
}

export function confirmRefused(task: string, question: string, isAsked: boolean): BtError {
  const answer = isAsked ? "the answer was no" : "there is no terminal to answer on";
  return new BtError("CONFIRM_REFUSED", `Task "${task}" asks "${question}", and ${answer}`, {
    fix: isAsked ? "Answer yes, or add `--yes`." : "Run it in a terminal, or add `--yes`.",
  });
}

export function directoryMissing(folder: string): BtError {
  return new BtError("DIRECTORY_MISSING", `There is no folder "${folder}"`, { fix: "Correct the folder after `-C`." });
}

export function importExists(file: string): BtError {
  return new BtError("IMPORT_EXISTS", `There is a "${file}" already`, {
    fix: "Move it away, or add `--force` to replace it.",
  });
}

export function importUnconfirmed(commands: readonly string[]): BtError {
  return new BtError("IMPORT_UNCONFIRMED", "Reading this Makefile runs programs, and nobody has agreed to that", {
    detail: commands,
    fix: "Add `--yes` to run them in a copy of the folder; `--no-exec` runs none of `$(shell …)`.",
  });
}

export function initExists(files: readonly string[]): BtError {
  const isOne = files.length === 1;
  return new BtError("INIT_EXISTS", `There ${isOne ? "is" : "are"} ${quoteNames(files)} already`, {
    fix: `Nothing was written. Move ${isOne ? "it" : "them"} away, or start in another folder with \`-C DIR\`.`,
  });
}

export function logMissing(task: string, run: string | undefined, known: readonly string[]): BtError {
  const near = closest(task, known);
  const cells = known.filter((one) => one.startsWith(`${task}:`)).sort();
  const problem = `No ${run === undefined ? "run that bt remembers" : `log of run "${run}"`} holds output of task "${task}"`;
  return new BtError("LOG_MISSING", problem, {
    fix:
      cells.length > 0
        ? `Name one of its cells: ${quoteNames(cells)}.`
        : known.includes(task) || near === undefined
          ? "Run the task first; `bt --runs` lists the runs."
          : `Use "${near}".`,
  });
}

export function makeMissing(why: string): BtError {
  return new BtError("MAKE_MISSING", `There is no make to ask about the Makefile: ${why}`, {
    fix: "Install GNU make.",
  });
}

export function makeNameClash(name: string, tasks: readonly [string, string]): BtError {
  return new BtError("MAKE_NAME_CLASH", `Tasks ${quoteNames(tasks)} would both be called "${name}" in a Makefile`, {
    fix: "Rename one of them.",
  });
}

export function makeNameWrong(task: string, character: string): BtError {
  return new BtError("MAKE_NAME_WRONG", `Task "${task}" cannot be a target of make: "${character}" is in its name`, {
    fix: "Rename it: letters, digits, `.`, `_`, `-`, and `:` before a cell.",
  });
}

export function makefileMissing(name: string): BtError {
  return new BtError("MAKEFILE_MISSING", `There is no ${name} here`, {
    fix: "Name the Makefile: `bt --import-make FILE`.",
  });
}

export function onlyStale(target: string, needs: readonly string[]): BtError {
  return new BtError("ONLY_STALE", `Task "${target}" needs ${quoteNames(needs)}, which would have to run first`, {
    fix: "Leave out `--only`, or say `--only=force` to run it on what is there.",
  });
}

export function optionTaken(option: string, task: string, variable: string): BtError {
  return new BtError("OPTION_TAKEN", `Option "${option}" is bt's own, and task "${task}" has a param of that name`, {
    fix: `Write ${variable}=… for the param; leave "${option}" out.`,
  });
}

export function optionUnknown(option: string, known: readonly string[]): BtError {
  const near = option.length <= 2 ? undefined : closest(option, known);
  return new BtError("OPTION_UNKNOWN", `There is no option "${option}"`, {
    fix:
      near === undefined ? "Run `bt --help` to see every option." : `Use "${near}"; \`bt --help\` lists every option.`,
  });
}

export function optionValue(option: string): BtError {
  return new BtError("OPTION_VALUE", `Option "${option}" needs a value`, { fix: `Write \`${option} VALUE\`.` });
}

export function optionWrong(option: string, value: string, allowed: string, values?: readonly string[]): BtError {
  const near = values === undefined ? undefined : closest(value, values);
  return new BtError("OPTION_WRONG", `Option "${option}" is "${value}", but takes ${allowed}`, {
    fix: near === undefined ? `Correct or leave out the value of "${option}".` : `Use \`${option}=${near}\`.`,
  });
}

export function paramMissing(task: string, variable: string, option: string, description: string | undefined): BtError {
  const meaning = description === undefined ? "" : ` (${description})`;
  return new BtError("PARAM_MISSING", `Task "${task}" needs a value for ${variable}${meaning}`, {
    fix: `Add ${variable}=… or \`--${option} …\`, or set ${variable} in the environment.`,
  });
}

/** `keyVariable`: the one that is not set. */
export function secretsKeyMissing(task: string, variable: string, keyVariable: string | undefined): BtError {
  return new BtError(
    "SECRETS_KEY_MISSING",
    `Secret ${variable} of task "${task}" cannot be in its key without a key to digest it with`,
    {
      fix:
        keyVariable === undefined
          ? 'Name a variable of the environment: `defineBuilder({ secretsKey: "NAME", … })`, and set it to a random text.'
          : `Set ${keyVariable} in the environment to the project's random text, as \`secretsKey\` says.`,
    },
  );
}

export function paramUnknown(task: string, name: string, known: readonly string[]): BtError {
  const near = closest(name, known) ?? (known.length === 1 ? known[0] : undefined);
  const otherwise = known.length === 0 ? "Leave it out: the task has no params." : `Use one of ${quoteNames(known)}.`;
  return new BtError("PARAM_UNKNOWN", `Task "${task}" is given a param "${name}" that it does not have`, {
    fix: near === undefined ? otherwise : `Use "${near}".`,
  });
}

/** What is wrong with a param's value: it is not one of those allowed, or its schema has said why not. */
export type ParamFault = { readonly allowed: string; readonly word?: string } | { readonly refused: string };

export function paramWrong(facts: {
  readonly task: string;
  readonly variable: string;
  readonly text: string;
  readonly fault: ParamFault;
  readonly values: readonly string[] | undefined;
}): BtError {
  const { task, variable, text, fault, values } = facts;
  const word = "allowed" in fault ? fault.word : undefined;
  const near = values === undefined ? undefined : closest(word ?? text, values);
  const why = "allowed" in fault ? `but takes ${fault.allowed}` : `which its schema refuses: ${fault.refused}`;
  const suggestion =
    word === undefined || word === text ? `Use ${variable}=${near}.` : `Write "${near}" for "${word}".`;
  return new BtError("PARAM_WRONG", `${variable} of task "${task}" is "${text}", ${why}`, {
    fix: near === undefined ? `Correct ${variable}; \`bt ${task} --help\` describes it.` : suggestion,
  });
}

export function reportUnwritable(file: string, why: string): BtError {
  return new BtError("REPORT_UNWRITABLE", `The report cannot be written to "${file}": ${why}`, {
    fix: "Name a file in a folder that you may write to, after `--report`.",
  });
}

export function restUnwanted(tasks: readonly string[]): BtError {
  const those = tasks.length === 1 ? `"${tasks[0]}", which takes none` : `the targets ${quoteNames(tasks)}`;
  return new BtError("REST_UNWANTED", `Words after \`--\` go to one task that takes them, but this run has ${those}`, {
    fix: "Leave them out, or say `rest: true` in the task and run it alone.",
  });
}

export function selectionEmpty(asked: {
  readonly words: readonly string[];
  readonly tags: readonly string[];
  readonly except: readonly string[];
}): BtError {
  const { words, tags, except } = asked;
  const parts = [
    ...(words.length === 0 ? [] : [`matches ${quoteNames(words)}`]),
    ...(tags.length === 0 ? [] : [`has the tag ${quoteNames(tags)}`]),
  ];
  const fix = "Run `bt` to see every task.";
  if (except.length > 0) {
    return new BtError("SELECTION_EMPTY", `No task is left without ${quoteNames(except)}`, {
      fix: "Name more tasks, or leave out `--except`.",
    });
  }
  if (parts.length === 0)
    return new BtError("SELECTION_EMPTY", "No task is named, and the builderfile has no default one", {
      fix: `Name a task. ${fix}`,
    });
  return new BtError("SELECTION_EMPTY", `No task ${parts.join(" or ")}`, { fix });
}

/** What is wrong with a settings file: its syntax, what it holds, a name, or the value of one. */
export type SettingsFault =
  | { readonly kind: "syntax"; readonly text: string }
  | { readonly kind: "content"; readonly found: string }
  | { readonly kind: "name"; readonly name: string; readonly known: readonly string[] }
  | { readonly kind: "value"; readonly name: string; readonly found: string; readonly allowed: string };

export function settingsWrong(file: string, fault: SettingsFault): BtError {
  const [problem, fix] = describeFault(fault);
  return new BtError("SETTINGS_WRONG", `The settings cannot be used: ${problem}`, { at: { where: file }, fix });
}

function describeFault(fault: SettingsFault): readonly [problem: string, fix: string] {
  switch (fault.kind) {
    case "syntax":
      return [fault.text, "Correct the file."];
    case "content":
      return [`they are ${fault.found}, but must be a record`, 'Write them as names and values: `{ "jobs": 4 }`.'];
    case "name": {
      const near = closest(fault.name, fault.known);
      return [
        `there is no setting "${fault.name}"`,
        near === undefined ? `Use one of ${quoteNames(fault.known)}.` : `Use "${near}".`,
      ];
    }
    case "value":
      return [`"${fault.name}" is ${fault.found}, but takes ${fault.allowed}`, `Give "${fault.name}" such a value.`];
  }
}

export function taskPrivate(name: string): BtError {
  return new BtError("TASK_PRIVATE", `Task "${name}" is private`, {
    fix: "Run a task that needs it; `bt` lists them.",
  });
}

export function templateMissing(known: readonly string[]): BtError {
  return new BtError("TEMPLATE_MISSING", "No template is named, and there is no terminal to ask on", {
    detail: known,
    fix: "Name one: `bt --init TEMPLATE`.",
  });
}

export function templateUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("TEMPLATE_UNKNOWN", `There is no template "${name}"`, {
    ...(near === undefined ? { detail: known } : {}),
    fix: near === undefined ? "Use one of these." : `Use "${near}".`,
  });
}

export function toolMissing(tool: string, option: string, install: string): BtError {
  return new BtError("TOOL_MISSING", `${option} needs ${tool}, which is not on PATH`, {
    fix: `Install it: \`${install}\`.`,
  });
}

export function touchImpossible(task: string, why: string, site: Site): BtError {
  return new BtError("TOUCH_IMPOSSIBLE", `Task "${task}" cannot count as done without a run: ${why}`, {
    fix: "Run it, or leave it out of what `-t` touches.",
    site,
  });
}

export function variableUnexpanded(name: string): BtError {
  return new BtError("VARIABLE_UNEXPANDED", `The make variable ${name} needs to be expanded, which only make can do`, {
    fix: `Export it in the Makefile: \`export ${name}\`.`,
  });
}

/** Who was given the value: one task of the run, one that is not in it, or any. */
export function variableUnknown(facts: {
  readonly name: string;
  readonly task?: string;
  /** Variables of that task, or of all tasks of the run. */
  readonly known: readonly string[];
  readonly tasks: readonly string[];
  readonly at?: Place;
}): BtError {
  const { name, task, known, tasks, at } = facts;
  const place = at === undefined ? {} : { at };
  if (task !== undefined && !tasks.includes(task)) {
    const near = closest(task, tasks);
    return new BtError("VARIABLE_UNKNOWN", `${task}.${name} is for a task "${task}", which is not part of this run`, {
      fix: near === undefined ? `Leave it out, or run "${task}" as well.` : `Use ${near}.${name}=….`,
      ...place,
    });
  }
  const near = closest(name, known) ?? (known.length === 1 ? known[0] : undefined);
  const whose = task === undefined ? "No task of this run has" : `Task "${task}" does not have`;
  const otherwise = known.length === 0 ? "Leave it out: there are no params." : `Use one of ${known.join(", ")}.`;
  return new BtError("VARIABLE_UNKNOWN", `${whose} a param "${name}"`, {
    fix: near === undefined ? otherwise : `Use ${task === undefined ? "" : `${task}.`}${near}=….`,
    ...place,
  });
}
