/** Differences between make and bt that a person has accepted, as they are kept in a file. Pure; does not know how differences are found. */
import type { Comparison } from "./compare.ts";

/** Commands that only one of both runs, for each target. */
export type Accepted = ReadonlyMap<string, { readonly make: readonly string[]; readonly bt: readonly string[] }>;

/** Undefined: this is no such file. */
export function parseAccepted(text: string): Accepted | undefined {
  const targets = field(tryParse(text), "targets");
  if (typeof targets !== "object" || targets === null) return undefined;
  const accepted = new Map<string, { make: readonly string[]; bt: readonly string[] }>();
  for (const [target, sides] of Object.entries(targets)) {
    const [make, bt] = [field(sides, "make"), field(sides, "bt")];
    if (!isTexts(make) || !isTexts(bt)) return undefined;
    accepted.set(target, { make, bt });
  }
  return accepted;
}

/** All differences that there are, sorted by target; ends in a newline. */
export function renderAccepted(targets: readonly Comparison[]): string {
  const different = targets
    .filter(({ verdict }) => verdict === "manual")
    .sort((a, b) => (a.target < b.target ? -1 : 1))
    .map(({ target, onlyMake, onlyBt }) => [target, { make: [...onlyMake].sort(), bt: [...onlyBt].sort() }] as const);
  return `${JSON.stringify({ version: 1, targets: Object.fromEntries(different) }, undefined, 2)}\n`;
}

/** A target whose differences are all accepted is equivalent; of others the new ones are left. `file`: where they are written down. */
export function applyAccepted(one: Comparison, accepted: Accepted, file: string): Comparison {
  const known = accepted.get(one.target);
  if (one.verdict !== "manual" || known === undefined) return one;
  const onlyMake = one.onlyMake.filter((command) => !known.make.includes(command));
  const onlyBt = one.onlyBt.filter((command) => !known.bt.includes(command));
  if (onlyMake.length + onlyBt.length > 0) return { ...one, onlyMake, onlyBt, why: `not in ${file}` };
  return { ...one, verdict: "equivalent", why: `differences accepted in ${file}` };
}

/** Targets in the file that do not differ any more, or that are gone. */
export function findSettled(accepted: Accepted, targets: readonly Comparison[]): readonly string[] {
  const different = new Set(targets.filter(({ verdict }) => verdict === "manual").map(({ target }) => target));
  return [...accepted.keys()].filter((target) => !different.has(target)).sort();
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not even JSON.
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
