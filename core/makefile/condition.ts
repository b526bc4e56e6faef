/** Conditions of a Makefile: which words they compare with, and which of them no value of a param decides. Pure; reads text only. */
import type { Finding } from "./lint.ts";

export interface Condition {
  /** 1-based. */
  readonly line: number;
  /** `ifeq ($(CI),true)`. */
  readonly text: string;
  /** Variables that it is about. */
  readonly names: readonly string[];
  /** The word that one variable is compared with. */
  readonly wanted?: { readonly name: string; readonly value: string };
}

export function readConditions(lines: readonly string[]): readonly Condition[] {
  return lines.flatMap((written, at) => {
    // A line that starts with a tab is one of a recipe.
    const [, word = "", rest = ""] = /^ *(?:else +)?(ifn?eq|ifn?def)\b\s*(.*?)\s*(?:\s#.*)?$/.exec(written) ?? [];
    if (word === "") return [];
    const names = word.endsWith("def") ? [rest] : namesIn(rest);
    const wanted = word.endsWith("def") ? undefined : findWanted(rest);
    return [{ line: at + 1, text: `${word} ${rest}`, names, ...(wanted === undefined ? {} : { wanted }) }];
  });
}

/** Values for which conditions come out otherwise, in as many rounds as one variable is compared with words. */
export function renderRounds(
  conditions: readonly Condition[],
  params: ReadonlySet<string>,
): readonly Readonly<Record<string, string>>[] {
  const words = new Map<string, Set<string>>();
  for (const { wanted } of conditions)
    if (wanted !== undefined && params.has(wanted.name))
      words.set(wanted.name, (words.get(wanted.name) ?? new Set()).add(wanted.value));
  const count = Math.max(0, ...[...words.values()].map(({ size }) => size));
  return Array.from({ length: Math.min(count, mostRounds) }, (_, round) =>
    Object.fromEntries(
      [...words].flatMap(([name, values]) => (([...values][round] ?? "") === "" ? [] : [[name, [...values][round]!]])),
    ),
  );
}

/** Each round asks make about every target. */
const mostRounds = 4;

/** Conditions that are about more than params: the builderfile has one side of them. */
export function lintConditions(
  conditions: readonly Condition[],
  params: ReadonlySet<string>,
  file: string,
): readonly Finding[] {
  const told = new Set<string>();
  return conditions.flatMap(({ line, text, names }) => {
    const others = names.filter((name) => !params.has(name));
    const key = others.join(" ");
    if (others.length === 0 || told.has(key)) return [];
    told.add(key);
    const says = `decided while make reads: the builderfile has what holds here, and no param for ${others.join(", ")}`;
    return [{ file, line, target: text, code: "condition", text: says }];
  });
}

function namesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/\$[({](\w+)[)}]/g)].map(([, name = ""]) => name))];
}

function findWanted(text: string): Condition["wanted"] {
  const [, a = "", b = ""] = /^\((.*),\s*([^,]*)\)$/.exec(text) ?? /^["'](.*)["']\s+["'](.*)["']$/.exec(text) ?? [];
  const [one, other] = a.includes("$") ? [a, b] : [b, a];
  const [, words = "", filtered] = /^\$\(filter ([^,$]+),\s*\$[({](\w+)[)}]\)$/.exec(one) ?? [];
  if (filtered !== undefined && other === "") return { name: filtered, value: words.trim().split(/\s+/)[0] ?? "" };
  const [name, more] = namesIn(one);
  const value = other.trim();
  return name === undefined || more !== undefined || value === "" || value.includes("$") ? undefined : { name, value };
}
