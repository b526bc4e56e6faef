/** The options of bt with their values and meanings, read from the usage text: said once, for people and for shells. Pure. */
import { usage } from "./usage.ts";

/** One option of bt. */
export interface OptionFact {
  /** `--jobs` */
  readonly option: string;
  /** `-j` */
  readonly letter?: string;
  readonly description: string;
  /** What its value is called: `FILE`. Absent: it takes none. */
  readonly value?: string;
  /** Where the value stands: a word of its own, behind `=`, or a word that may be left out. */
  readonly place?: "next" | "joined" | "optional";
  /** The words that the usage text names for the value; empty: it names none. */
  readonly words: readonly string[];
}

/** In the order of the usage text. */
export function listOptions(text: string = usage): readonly OptionFact[] {
  const found = new Map<string, OptionFact>();
  const lines = text.split("\n");
  for (const [at, line] of lines.entries()) {
    // What is too long leaves its meaning to the next line.
    const [, head, description = lines[at + 1]?.trim() ?? ""] = /^ {2,}(-\S.*?)(?: {2,}(.*))?$/.exec(line) ?? [];
    for (const fact of head === undefined ? [] : readHead(head, description))
      if (!found.has(fact.option)) found.set(fact.option, fact);
  }
  return [...found.values()];
}

/** `-l, --load-average X`, `--graph[=dot|json]`, `--import-make [FILE]`, `--logs TASK [--run ID]` */
function readHead(head: string, description: string): OptionFact[] {
  const pattern = /(?:-(\w), )?(--[a-z][\w-]*)(?:\[=([^\]]+)\]| ([A-Z][A-Z:]*)| \[([A-Z]+)\])?/g;
  return [...head.matchAll(pattern)].map(([, letter, option = "", joined, next, optional]) => {
    const value = joined ?? next ?? optional;
    const place = joined !== undefined ? "joined" : next !== undefined ? "next" : "optional";
    return {
      option,
      ...(letter === undefined ? {} : { letter: `-${letter}` }),
      description,
      ...(value === undefined ? {} : { value, place }),
      words: value === undefined ? [] : wordsOf(value, description),
    };
  });
}

/** Lower-case names that stand between bars or, for a MODE or a SHELL, between commas. */
function wordsOf(value: string, description: string): string[] {
  if (/^[a-z]/.test(value)) return value.split("|");
  if (value === "SHELL") return ["bash", "zsh", "fish"];
  return value === "MODE" ? description.split(/,\s*/).filter((word) => /^[a-z]+$/.test(word)) : [];
}
