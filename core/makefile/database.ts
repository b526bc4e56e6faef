/** What `make -p` prints, as data: variables, rules, recipes. Pure; does not know how make is called. */

export interface MakeVariable {
  readonly name: string;
  /** `=`: not expanded yet, `:=`: expanded, `define`: several lines. */
  readonly flavour: "=" | ":=" | "define";
  readonly value: string;
  /** `makefile`, `environment`, `default`, `automatic`, `override`, … */
  readonly origin: string;
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
}

/** A command line of a recipe, as written but without its prefixes. */
export interface RecipeLine {
  readonly text: string;
  /** `-`: its failure is none. */
  readonly isIgnored: boolean;
  /** `+`: make runs it even under `-n`. */
  readonly isForced: boolean;
  /** 1-based, in the file of the recipe. */
  readonly line: number;
}

export interface MakeRule {
  readonly target: string;
  readonly needs: readonly string[];
  /** After the bar. */
  readonly orderOnly: readonly string[];
  readonly isPhony: boolean;
  /** `%` stands for a stem. */
  readonly isPattern: boolean;
  /** What `%` stood for, of a rule that a static pattern has made. */
  readonly stem?: string;
  /** What this program does not translate: double colons, variables of its own. */
  readonly odd?: string;
  /** Targets that its recipe makes as well. */
  readonly also?: readonly string[];
  readonly file?: string;
  readonly recipe: readonly RecipeLine[];
}

export interface MakeDatabase {
  readonly variables: ReadonlyMap<string, MakeVariable>;
  readonly rules: readonly MakeRule[];
  /** Names that are only mentioned: files, and what pattern rules could make. */
  readonly mentioned: readonly string[];
  readonly hasOneShell: boolean;
}

export function parseDatabase(text: string): MakeDatabase {
  const lines = text.split("\n");
  const at = (title: string): number => {
    const found = lines.indexOf(title);
    return found === -1 ? lines.length : found;
  };
  const [implicit, files] = [at("# Implicit Rules"), at("# Files")];
  const patterns = readRules(lines.slice(implicit + 1, files), true);
  const { rules, mentioned } = readRules(lines.slice(files + 1), false);
  const phony = new Set(rules.find(({ target }) => target === ".PHONY")?.needs);
  const ignored = rules.find(({ target }) => target === ".IGNORE")?.needs;
  const isIgnored = (target: string): boolean => ignored?.length === 0 || ignored?.includes(target) === true;
  return {
    variables: readVariables(lines.slice(0, implicit)),
    rules: [...rules, ...patterns.rules]
      .filter(({ target }) => !/^\.[A-Z_]+$|^\.bt-none$/.test(target))
      .map((rule) => (phony.has(rule.target) ? { ...rule, isPhony: true } : rule))
      .map((rule) => (isIgnored(rule.target) ? { ...rule, recipe: rule.recipe.map(ignoreFailure) } : rule)),
    mentioned,
    hasOneShell: [...rules, ...patterns.rules].some(({ target }) => target === ".ONESHELL"),
  };
}

function ignoreFailure(line: RecipeLine): RecipeLine {
  return { ...line, isIgnored: true };
}

function readVariables(lines: readonly string[]): ReadonlyMap<string, MakeVariable> {
  const variables = new Map<string, MakeVariable>();
  let note = "";
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line.startsWith("# ")) {
      note = line.slice(2);
      continue;
    }
    const [, origin = "", file, number] = /^(.*?)(?: \(from '(.*)', line (\d+)\))?$/.exec(note) ?? [];
    const place = file === undefined ? {} : { file, line: Number(number) };
    const [, name, flavour, value] = /^([^\s:#=]+) (:?)= ?(.*)$/.exec(line) ?? [];
    const [, defined] = /^define (\S+)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined)
      variables.set(name, { name, flavour: flavour === ":" ? ":=" : "=", value, origin, ...place });
    if (defined !== undefined) {
      const end = lines.indexOf("endef", at);
      const body = lines.slice(at + 1, end).join("\n");
      variables.set(defined, { name: defined, flavour: "define", value: body, origin, ...place });
      at = end;
    }
    note = "";
  }
  return variables;
}

function readRules(
  lines: readonly string[],
  isPattern: boolean,
): { readonly rules: readonly MakeRule[]; readonly mentioned: readonly string[] } {
  const rules: MakeRule[] = [];
  const mentioned: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const [, target, colons, rest = ""] = /^([^\s#][^:]*?)(::?) ?(.*)$/.exec(line) ?? [];
    if (target === undefined || line.startsWith("\t")) continue;
    const isOnlyMentioned = lines[at - 1] === "# Not a target:";
    const before = rules.find((rule) => rule.target === target);
    const ownVariable = /^[\w.-]+ :?\+?= /.test(rest);
    let odd = colons === "::" ? "it has two colons" : ownVariable ? "it has variables of its own" : before?.odd;
    let isPhony = false;
    let also: readonly string[] | undefined;
    let stem: string | undefined;
    let file: string | undefined;
    let recipe: readonly RecipeLine[] = [];
    for (at++; at < lines.length && lines[at] !== ""; at++) {
      const note = lines[at]!;
      if (note.startsWith("#  Phony target")) isPhony = true;
      if (note.startsWith("#  Also makes:")) also = toWords(note.slice("#  Also makes:".length));
      stem ??= /^#  Implicit\/static pattern stem: '(.*)'$/.exec(note)?.[1];
      const [, from, number] = /^#  recipe to execute \(from '(.*)', line (\d+)\):$/.exec(note) ?? [];
      if (from === undefined) continue;
      file = from;
      const end = endOfRecipe(lines, at + 1);
      recipe = readRecipe(lines.slice(at + 1, end), Number(number));
      at = end - 1;
    }
    if (isOnlyMentioned) {
      mentioned.push(target);
      continue;
    }
    const [needs = "", orderOnly = ""] = ownVariable ? [] : rest.split(/(?:^| )\|(?: |$)/);
    const rule: MakeRule = {
      target,
      needs: [...new Set([...(before?.needs ?? []), ...toWords(needs)])],
      orderOnly: [...new Set([...(before?.orderOnly ?? []), ...toWords(orderOnly)])],
      isPhony: isPhony || before?.isPhony === true,
      isPattern,
      recipe: recipe.length > 0 ? recipe : (before?.recipe ?? []),
      ...(stem === undefined ? {} : { stem }),
      ...(odd === undefined ? {} : { odd }),
      ...(also === undefined ? {} : { also }),
      ...(file === undefined ? (before?.file === undefined ? {} : { file: before.file }) : { file }),
    };
    if (before === undefined) rules.push(rule);
    else rules.splice(rules.indexOf(before), 1, rule);
  }
  return { rules, mentioned };
}

function toWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** A recipe goes on while lines begin with a tab or continue the one before. */
function endOfRecipe(lines: readonly string[], start: number): number {
  let end = start;
  while (end < lines.length && (/^[\t ]\S|^\t/.test(lines[end]!) || isContinued(lines[end - 1]!))) end++;
  return end;
}

function isContinued(line: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*\\$/.test(line);
}

function readRecipe(lines: readonly string[], firstLine: number): readonly RecipeLine[] {
  const recipe: RecipeLine[] = [];
  for (let at = 0; at < lines.length;) {
    const line = firstLine + at;
    const parts = [lines[at++]!.replace(/^\s/, "")];
    while (isContinued(parts.at(-1)!) && at < lines.length) parts.push(lines[at++]!.replace(/^\t/, ""));
    const whole = parts.join("\n");
    const prefix = /^[@+\-\s]*/.exec(whole)?.[0] ?? "";
    const text = whole.slice(prefix.length);
    if (text.trim() !== "")
      recipe.push({ text, isIgnored: prefix.includes("-"), isForced: prefix.includes("+"), line });
  }
  return recipe;
}
