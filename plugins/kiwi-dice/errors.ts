/** Messages about recipes, their files and options. Knows only BtError; messages about build hosts are in host-errors.ts. */
import { BtError, closest, type Place } from "../../core/index.ts";

/** Several findings as one error; one finding is itself. */
export function findings(recipe: string, found: readonly BtError[]): BtError {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  return new BtError("KIWI_DICE_PREFLIGHT", `${found.length} things keep recipe "${recipe}" from being built`, {
    isRefusal: true,
    detail: found.flatMap((one) => [
      `${one.message}${one.at === undefined ? "" : ` (${[one.at.where, one.at.line, one.at.column].filter((part) => part !== undefined).join(":")})`}`,
      ...[...one.detail, one.fix].map((line) => `  ${line}`),
    ]),
    fix: "Do what stands below each of them.",
  });
}

export function descriptionMissing(folder: string, names: readonly string[], near: string | undefined): BtError {
  return new BtError("KIWI_DICE_DESCRIPTION_MISSING", `There is no image description in "${folder}"`, {
    isRefusal: true,
    at: { where: folder },
    detail: [`looked for ${names.join(", ")}`],
    fix: near === undefined ? "Name a folder that has one." : `Use "${near}", which has one.`,
  });
}

export function descriptionMalformed(at: Place, problem: string): BtError {
  return new BtError("KIWI_DICE_DESCRIPTION_MALFORMED", `The description is not well-formed: ${problem}`, {
    isRefusal: true,
    at,
    fix: "Correct the XML at this place.",
  });
}

export function schemaNew(at: Place, facts: { found: string; kiwi: string; reads: string; host: string }): BtError {
  const { found, kiwi, reads, host } = facts;
  return new BtError(
    "KIWI_DICE_SCHEMA_NEW",
    `The description has schema version ${found}; KIWI ${kiwi} on ${host} reads up to ${reads}`,
    { at, fix: `Use a newer KIWI or another build host, or write schemaversion="${reads}".` },
  );
}

export function typeUnknown(type: string, facts: { at: Place; types: readonly string[] }): BtError {
  const near = closest(type, facts.types);
  return new BtError("KIWI_DICE_TYPE_UNKNOWN", `The description has no image type "${type}"`, {
    isRefusal: true,
    at: facts.at,
    detail: [`its types are ${facts.types.join(", ") || "none"}`],
    fix: near === undefined ? "Use one of its types, or add a <type> element." : `Use "${near}".`,
  });
}

export function profileUnknown(profile: string, facts: { at: Place; profiles: readonly string[] }): BtError {
  const near = closest(profile, facts.profiles);
  return new BtError("KIWI_DICE_PROFILE_UNKNOWN", `The description has no profile "${profile}"`, {
    isRefusal: true,
    at: facts.at,
    detail: [`its profiles are ${facts.profiles.join(", ") || "none"}`],
    fix: near === undefined ? "Use one of its profiles, or none." : `Use "${near}".`,
  });
}

export function dicefileLine(at: Place, line: string, replacement: string): BtError {
  return new BtError("KIWI_DICE_DICEFILE_LINE", `The Dicefile is read as data, and this line is code: ${line}`, {
    at,
    detail: ["this in builderfile.ts replaces it, as far as it was understood:", ...replacement.split("\n")],
    fix: "Remove the line, or say it in builderfile.ts and remove the Dicefile.",
  });
}

export function dicefileSetting(at: Place, name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("KIWI_DICE_DICEFILE_SETTING", `A Dicefile has no setting "${name}"`, {
    at,
    fix: near === undefined ? `Use one of ${known.join(", ")}.` : `Use "${near}".`,
  });
}

export function variableUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("KIWI_DICE_VARIABLE_UNKNOWN", `The environment has ${name}, which no task reads`, {
    at: { where: "the environment" },
    fix: near === undefined ? `Unset it; known are ${known.join(", ")}.` : `Set ${near} instead, or unset it.`,
  });
}

export function recipeUnsaid(task: string, known: readonly string[]): BtError {
  return new BtError("KIWI_DICE_RECIPE_UNSAID", `Task "${task}" is not told which recipe`, {
    fix: `Add RECIPE=FOLDER${known.length === 0 ? "" : `, or run ${known.map((name) => `"${task}:${name}"`).join(", ")}`}.`,
  });
}

export function recipeMany(task: string, known: readonly string[]): BtError {
  return new BtError("KIWI_DICE_RECIPE_MANY", `Task "${task}" takes one recipe, and there are ${known.length}`, {
    fix: `Add RECIPE=FOLDER, or run ${known.map((name) => `"${task}:${name}"`).join(", ")}.`,
  });
}

export function recipeMissing(folder: string): BtError {
  return new BtError("KIWI_DICE_RECIPE_MISSING", `There is no folder "${folder}"`, {
    fix: "Name a folder that holds an image description.",
  });
}

export function recipeFileSpecial(file: string): BtError {
  return new BtError("KIWI_DICE_FILE_SPECIAL", `"${file}" is no file, folder or link, and cannot be part of a recipe`, {
    isRefusal: true,
    fix: "Remove it, or let config.sh create it.",
  });
}

export function repositoryUnknown(names: readonly string[], problems: readonly string[]): BtError {
  return new BtError("KIWI_DICE_REPOSITORY_UNREAD", `Whether a build is needed is unknown: ${names.join(", ")}`, {
    exitCode: 1,
    detail: [...problems],
    fix: "Make them reachable, or build with DICE_OFFLINE=yes or DICE_FORCE=yes.",
  });
}

export function recipeLocked(recipe: string, owner: string): BtError {
  return new BtError("KIWI_DICE_RECIPE_LOCKED", `Recipe "${recipe}" is locked by ${owner}`, {
    exitCode: 1,
    fix: "Wait for it, or set DICE_LOCK_TIMEOUT to the seconds to wait.",
  });
}

export function lockLive(recipe: string, owner: string): BtError {
  return new BtError("KIWI_DICE_LOCK_LIVE", `The lock of recipe "${recipe}" is in use by ${owner}`, {
    exitCode: 1,
    fix: "Stop that build first; a lock whose owner is gone is taken over without help.",
  });
}

export function cleanupUnsaid(): BtError {
  return new BtError("KIWI_DICE_CLEANUP_UNSAID", "`dice-cleanup` is not told what to remove", {
    fix: "Add --lock for a lock whose owner is gone, --job-folders for job folders that were left.",
  });
}

export function terminalMissing(task: string): BtError {
  return new BtError("KIWI_DICE_TERMINAL_MISSING", `Task "${task}" needs a terminal`, {
    fix: "Run it in a terminal, or use `ssh -t`.",
  });
}

export function stepMissing(task: string, facts: { file: string; before: string }): BtError {
  return new BtError("KIWI_DICE_STEP_MISSING", `Task "${task}" has nothing to work on: there is no "${facts.file}"`, {
    fix: `Run "${facts.before}" first.`,
  });
}

export function scheduleFailed(failed: readonly string[], total: number): BtError {
  return new BtError("KIWI_DICE_SCHEDULE_FAILED", `${failed.length} of ${total} recipes failed: ${failed.join(", ")}`, {
    exitCode: 1,
    fix: "Read what is said of each; the table has the logs of those that were begun.",
  });
}

/** `--exit-code` of `dice-status`: the state as an exit code of its own. */
export function statusCode(recipe: string, state: string, exitCode: number): BtError {
  return new BtError("KIWI_DICE_STATUS", `Recipe "${recipe}" is not up to date: ${state}`, {
    exitCode,
    fix: "Run `bt dice-build`, or leave out --exit-code.",
  });
}
