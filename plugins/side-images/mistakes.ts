/** Throws what was collected: one mistake as itself, several as one message that lists them all. */
import { BtError, isBtError } from "../../core/index.ts";

/** @throws BtError; whatever else is among them comes as it is */
export function throwMistakes(mistakes: readonly unknown[]): void {
  const all = [...new Map(mistakes.map((one) => [one instanceof Error ? one.message : one, one])).values()];
  const bug = all.find((one) => !isBtError(one));
  if (bug !== undefined) throw bug;
  if (all.length === 1) throw all[0];
  if (all.length === 0) return;
  const detail = all
    .filter(isBtError)
    .flatMap((one) => [`${placeOf(one)}${one.message}`, ...one.detail.map((line) => `    ${line}`), `    ${one.fix}`]);
  throw new BtError("SIDE_IMAGES_MISTAKES", `There are ${all.length} mistakes`, {
    detail,
    isRefusal: true,
    fix: "Correct them; nothing was built.",
  });
}

function placeOf({ at }: BtError): string {
  if (at === undefined) return "";
  return `${[at.where, at.line, at.column].filter((part) => part !== undefined).join(":")}  `;
}
