/** An error as data that events and records can hold. Does not know how it is shown. */
import { isBtError, type BtError, type Place, type PlaceOf } from "./errors.ts";
import { fileUnusable } from "./errors/disk.ts";
import { actionThrew } from "./errors/run.ts";
import type { Failure } from "./event.ts";

/** What an action has thrown, as a BtError. */
export function toBtError(error: unknown, task: string, placeOf: PlaceOf): BtError {
  if (isBtError(error)) return error;
  const unusable = fileUnusable(error, 1);
  if (unusable !== undefined) return unusable;
  return actionThrew(task, error, placeOf(error instanceof Error ? error.stack : undefined));
}

export function toFailure(error: BtError, hide: (text: string) => string): Failure {
  return {
    code: error.code,
    problem: hide(error.message),
    fix: hide(error.fix),
    exitCode: error.exitCode,
    ...(error.at === undefined ? {} : { at: placeText(error.at) }),
    ...(error.detail.length === 0 ? {} : { detail: error.detail.map(hide) }),
  };
}

/** `builderfile.ts:14:5` */
function placeText({ where, line, column }: Place): string {
  return [where, line, column].filter((part) => part !== undefined).join(":");
}
