/** A recipe's status in Dice's words. Pure; does not know how it was found. */
import type { DiceResult, DiceStatus } from "./recipe.ts";

/** `BuildStatus: …`, then reasons, then how to look into the result. */
export function sayStatus({ state, reasons, result }: Pick<DiceStatus, "state" | "reasons" | "result">): string {
  const isThere = result !== undefined && !reasons.includes("result is missing");
  return [
    `BuildStatus: ${state}`,
    ...reasons.map((reason) => `--> ${reason}`),
    ...(isThere ? [sayResult(result.file)] : []),
  ].join("\n");
}

/** What is true of a build that need not be done again. */
export function sayBuilt({ bundle }: DiceResult): string {
  return ["BuildStatus: UpToDate", sayResult(bundle)].join("\n");
}

export function sayResult(archive: string): string {
  return `--> Build result: tar -tf ${archive}`;
}
