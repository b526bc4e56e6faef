/** Rules of a Makefile as drafts of tasks. Reads texts it is given; does not know files, make or TypeScript. */
import type { MakeDatabase, MakeRule } from "./database.ts";
import { expandText, OnlyMake } from "./expand.ts";

/** One task to be written. */
export interface Draft {
  readonly target: string;
  /** Name of the task. */
  readonly name: string;
  readonly description?: string;
  /** `Makefile:12`. */
  readonly place?: string;
  readonly body: Body;
  /** Names of drafts. */
  readonly needs: readonly string[];
  readonly orderOnly: readonly string[];
  readonly params: readonly DraftParam[];
  readonly env: readonly string[];
}

export type Body =
  | { readonly kind: "group" }
  | {
      readonly kind: "commands";
      readonly commands: readonly { readonly text: string; readonly isIgnored: boolean }[];
      /** A file that it makes, and files that it is made of. Absent: it makes none of its name. */
      readonly makes?: { readonly output: string; readonly inputs: readonly string[] };
    }
  /** Make goes on doing it. */
  | { readonly kind: "kept"; readonly why: string };

export interface DraftParam {
  readonly name: string;
  readonly default?: string;
}

/** What is known of the Makefile besides the database. */
export interface Sources {
  readonly database: MakeDatabase;
  /** A line of a makefile, 1-based. */
  readonly lineOf: (file: string, line: number) => string | undefined;
  /** The main file, and its lines. */
  readonly file: string;
  readonly lines: readonly string[];
  readonly exists: (file: string) => boolean;
  /** Targets that are to be kept, with the reason. */
  readonly keep: ReadonlyMap<string, string>;
}

/** Drafts for all targets, and for what pattern rules make of names that are mentioned; those that others need come first. */
export function draftTasks(sources: Sources): readonly Draft[] {
  const { database } = sources;
  const plain = database.rules.filter(({ isPattern }) => !isPattern);
  const known = new Set(plain.map(({ target }) => target));
  const matched = database.mentioned.flatMap((name) => {
    if (known.has(name) || sources.exists(name)) return [];
    const rule = findPattern(database, name);
    return rule === undefined ? [] : [{ ...rule, target: name, isPhony: true, stem: stemOf(rule.target, name) ?? "" }];
  });
  const all = [...plain, ...matched];
  const names = new Map(all.map(({ target }) => [target, target.replaceAll(/[^\w.-]/g, "-")]));
  const lineOf = ({ recipe, target }: MakeRule): number =>
    recipe[0]?.line ?? sources.lines.findIndex((line) => line.startsWith(`${target}:`)) + 1;
  const sorted = all.toSorted((a, b) => lineOf(a) - lineOf(b) || (a.target < b.target ? -1 : 1));
  return sortByNeeds(sorted.map((rule) => draftTask(rule, names, sources)));
}

/** Of several patterns make takes the one that leaves the shortest stem. */
function findPattern({ rules }: MakeDatabase, name: string): MakeRule | undefined {
  return rules
    .filter(({ target, isPattern, recipe }) => isPattern && recipe.length > 0 && stemOf(target, name) !== undefined)
    .sort((a, b) => (stemOf(a.target, name)?.length ?? 0) - (stemOf(b.target, name)?.length ?? 0))[0];
}

function stemOf(pattern: string, name: string): string | undefined {
  const at = pattern.indexOf("%");
  const [before, after] = [pattern.slice(0, at), pattern.slice(at + 1)];
  const isMatch = name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after);
  return isMatch ? name.slice(before.length, name.length - after.length) : undefined;
}

function draftTask(
  rule: MakeRule & { readonly stem?: string },
  names: ReadonlyMap<string, string>,
  sources: Sources,
): Draft {
  const { target, stem = "" } = rule;
  const whole = { ...rule, needs: rule.needs.map((need) => need.replace("%", () => stem)) };
  const first = rule.recipe[0];
  const description = describe(rule, sources);
  const common = {
    target,
    name: names.get(target) ?? target,
    ...(description === undefined ? {} : { description }),
    ...(first === undefined ? {} : { place: `${rule.file}:${first.line}` }),
  };
  try {
    return { ...common, ...translate(whole, names, sources) };
  } catch (error) {
    if (!(error instanceof OnlyMake)) throw error;
    return { ...common, body: { kind: "kept", why: error.message }, needs: [], orderOnly: [], params: [], env: [] };
  }
}

function translate(
  rule: MakeRule & { readonly stem?: string },
  names: ReadonlyMap<string, string>,
  sources: Sources,
): Pick<Draft, "body" | "needs" | "orderOnly" | "params" | "env"> {
  const { target, needs, orderOnly, recipe, stem } = rule;
  const why = sources.keep.get(target) ?? rule.odd;
  if (why !== undefined) throw new OnlyMake(why);
  const lost = needs.find((need) => !names.has(need) && !sources.exists(need));
  if (lost !== undefined) throw new OnlyMake(`nothing that makes "${lost}"`);
  const tasks = {
    needs: needs.flatMap((need) => names.get(need) ?? []),
    orderOnly: orderOnly.flatMap((need) => names.get(need) ?? []),
  };
  const exported = exportsOf(sources);
  if (recipe.length === 0) return { body: { kind: "group" }, ...tasks, params: [], env: [] };
  const defaults = findDefaults(sources);
  const expanded = recipe.map(({ text, isIgnored }) => ({
    isIgnored,
    ...expandText(text, {
      database: sources.database,
      automatic: automaticOf(target, needs, stem),
      params: defaults,
      sourceOf: (name) => sourceOf(name, sources),
    }),
  }));
  const params = [...new Set(expanded.flatMap((one) => [...one.params]))].sort().map((name): DraftParam => {
    const value = defaults.get(name);
    return value === undefined || value === "" || value.includes("$") ? { name } : { name, default: value };
  });
  const isOpen = new Set(params.filter((param) => param.default === undefined).map(({ name }) => name));
  const commands = expanded.map(({ text, isIgnored }) => ({
    text: text.replaceAll(/\$\{(\w+)\}/g, (all, name: string) => (isOpen.has(name) ? `\${${name}-}` : all)),
    isIgnored,
  }));
  const merged = sources.database.hasOneShell
    ? [{ text: commands.map(({ text }) => text).join("\n"), isIgnored: false }]
    : commands;
  const makes = isFileTarget(rule)
    ? { makes: { output: target, inputs: needs.filter((need) => !names.has(need)) } }
    : {};
  const env = [...new Set([...exported, ...expanded.flatMap((one) => [...one.env])])].filter(
    (name) => !standard.has(name),
  );
  return { body: { kind: "commands", commands: merged, ...makes }, ...tasks, params, env: env.sort() };
}

/** Reaches every task anyway. */
const standard = new Set(["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TERM", "TMPDIR", "PWD"]);

/** Whether a recipe names the file that it is called after. */
export function isFileTarget({ target, isPhony, isPattern, recipe }: MakeRule): boolean {
  if (isPhony || isPattern || recipe.length === 0) return false;
  const quoted = target.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const writes = new RegExp(`\\$[@({]|(>|-o|touch|mkdir(\\s+-p)?)\\s*["']?${quoted}\\b`);
  return recipe.some(
    ({ text }) =>
      text.includes("$@") ||
      text.includes("$(@") ||
      (writes.test(text) && new RegExp(`(>|-o|touch|mkdir(\\s+-p)?)\\s*["']?${quoted}\\b`).test(text)),
  );
}

function automaticOf(
  target: string,
  needs: readonly string[],
  stem: string | undefined,
): Readonly<Record<string, string>> {
  const [first = ""] = needs;
  const folder = (file: string): string => (file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : ".");
  const base = (file: string): string => file.slice(file.lastIndexOf("/") + 1);
  return {
    "@": target,
    "<": first,
    "^": needs.join(" "),
    "+": needs.join(" "),
    "@D": folder(target),
    "@F": base(target),
    "<D": folder(first),
    "<F": base(first),
    ...(stem === undefined ? {} : { "*": stem }),
  };
}

/** Variables that a caller may set, with their defaults: those assigned with `?=`. */
function findDefaults({ database, lineOf }: Sources): ReadonlyMap<string, string> {
  const defaults = new Map<string, string>();
  for (const { name, value, file, line } of database.variables.values()) {
    if (file === undefined || line === undefined) continue;
    if (!new RegExp(`^\\s*(export\\s+)?${name.replaceAll(".", "\\.")}\\s*\\?=`).test(lineOf(file, line) ?? ""))
      continue;
    defaults.set(name, value.trim());
  }
  return defaults;
}

/** What was written, for a variable that make has expanded already: it may hold others that a caller may set. */
function sourceOf(name: string, { database, lineOf }: Sources): string | undefined {
  const variable = database.variables.get(name);
  if (variable?.file === undefined || variable.line === undefined) return undefined;
  const line = lineOf(variable.file, variable.line) ?? "";
  const [, text] = /^\s*(?:export\s+)?[\w.-]+\s*:{1,3}=\s*(.*[^\\])$/.exec(line) ?? [];
  return text;
}

/** `export NAME := value` with a plain value, as `NAME=value`; `export NAME` as it is. */
function exportsOf({ lines }: Sources): readonly string[] {
  return lines.flatMap((line) => {
    const [, name, value] = /^export\s+(\w+)\s*(?:[:?]?=\s*(.*?))?\s*$/.exec(line) ?? [];
    if (name === undefined) return [];
    return value === undefined || value.includes("$") ? [name] : [`${name}=${value}`];
  });
}

/** `## text` behind the target or above it, or the comment above it. */
function describe({ target }: MakeRule, { lines }: Sources): string | undefined {
  const at = lines.findIndex((line) => line.startsWith(`${target}:`) || line.startsWith(`${target} :`));
  if (at === -1) return undefined;
  const own = /##\s*(.+)$/.exec(lines[at]!)?.[1];
  if (own !== undefined) return own.trim();
  let above = at - 1;
  while (above >= 0 && lines[above]!.startsWith(".PHONY")) above--;
  let text: string | undefined;
  for (; above >= 0 && /^#+\s*\S/.test(lines[above]!); above--) text = lines[above]!.replace(/^#+\s*/, "");
  return text?.replace(/\.$/, "").trim();
}

function sortByNeeds(drafts: readonly Draft[]): readonly Draft[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  const done = new Set<Draft>();
  const visit = (draft: Draft, path: readonly Draft[]): void => {
    if (done.has(draft) || path.includes(draft)) return;
    for (const need of [...draft.needs, ...draft.orderOnly]) {
      const other = byName.get(need);
      if (other !== undefined) visit(other, [...path, draft]);
    }
    done.add(draft);
  };
  for (const draft of drafts) visit(draft, []);
  return [...done];
}
