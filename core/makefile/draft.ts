/** Rules of a Makefile as drafts of tasks. Reads texts it is given; does not know files, make or TypeScript. */
import * as path from "node:path";
import type { MakeDatabase, MakeRule } from "./database.ts";
import { expandText, OnlyMake } from "./expand.ts";
import { groupOf, several, spreadGrouped } from "./grouped.ts";
import { findExports, renderExports } from "./exports.ts";
import { describe, findDefaults, sourceOf, type Sources } from "./sources.ts";

/** One task to be written. */
export interface Draft {
  readonly target: string;
  /** Name of the task. */
  readonly name: string;
  readonly description?: string;
  /** Folder of its Makefile, with `/`. Empty: the one that is imported. */
  readonly dir: string;
  /** The Makefile, where make has to be told. */
  readonly makefile?: string;
  /** `Makefile:12`. */
  readonly place?: string;
  readonly body: Body;
  /** Names of drafts. */
  readonly needs: readonly string[];
  readonly orderOnly: readonly string[];
  readonly params: readonly DraftParam[];
  readonly env: readonly string[];
  /** Stands before each command: sets what the Makefile exports. */
  readonly prelude?: string;
  /** Needs that it has because of the one call that it is below of. */
  readonly later?: readonly string[];
  /** A call of make that has become needs, and the variables in its text. */
  readonly moved?: { readonly text: string; readonly needs: readonly string[]; readonly params: readonly DraftParam[] };
}

export type Body =
  | { readonly kind: "group" }
  | {
      readonly kind: "commands";
      readonly commands: readonly { readonly text: string; readonly isIgnored: boolean }[];
      /** Files that it makes, and files that they are made of. Absent: it makes none of its name. */
      readonly makes?: { readonly outputs: readonly string[]; readonly inputs: readonly string[] };
    }
  /** Make goes on doing it. */
  | { readonly kind: "kept"; readonly why: string };

export interface DraftParam {
  readonly name: string;
  readonly default?: string;
}

/**
 * Drafts for all targets, and for what pattern rules make of names that are mentioned; those that others need come first.
 * `taken`: names that other drafts have; those of these are added.
 */
export function draftTasks(sources: Sources, taken: Set<string>): readonly Draft[] {
  const { database } = sources;
  const plain = database.rules.filter(({ isPattern }) => !isPattern).map(spreadGrouped);
  const known = new Set(plain.map(({ target }) => target));
  const matched = database.mentioned.flatMap((name) => {
    if (known.has(name) || sources.exists(name)) return [];
    const rule = findPattern(database, name);
    if (rule === undefined) return [];
    const odd = rule.also === undefined ? rule.odd : several;
    return [
      {
        ...rule,
        target: name,
        isPhony: true,
        stem: stemOf(rule.target, name) ?? "",
        ...(odd === undefined ? {} : { odd }),
      },
    ];
  });
  const all = [...plain, ...matched];
  const names = new Map(all.map(({ target }) => [target, nameTask(path.posix.join(sources.dir, target), taken)]));
  const lineOf = ({ recipe, target }: MakeRule): number =>
    recipe[0]?.line ?? sources.lines.findIndex((line) => line.startsWith(`${target}:`)) + 1;
  const sorted = all.toSorted((a, b) => lineOf(a) - lineOf(b) || (a.target < b.target ? -1 : 1));
  return sortByNeeds(sorted.map((rule) => draftTask(rule, names, sources)));
}

function nameTask(target: string, taken: Set<string>): string {
  const base = target.replaceAll(/[^\w.-]/g, "-");
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}-${count}`;
  taken.add(name);
  return name;
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

function draftTask(rule: MakeRule, names: ReadonlyMap<string, string>, sources: Sources): Draft {
  const { target, stem = "" } = rule;
  const whole = { ...rule, needs: rule.needs.map((need) => need.replace("%", () => stem)) };
  const first = rule.recipe[0];
  const description = describe(rule, sources);
  const common = {
    target,
    name: names.get(target) ?? target,
    dir: sources.dir,
    ...(sources.isNamed ? { makefile: sources.file } : {}),
    ...(description === undefined ? {} : { description }),
    ...(first === undefined
      ? {}
      : { place: `${path.posix.join(sources.dir, rule.file ?? sources.file)}:${first.line}` }),
  };
  try {
    return { ...common, ...translate(whole, names, sources) };
  } catch (error) {
    if (!(error instanceof OnlyMake)) throw error;
    const params = toParams(reachableParams(rule, sources), findDefaults(sources));
    return {
      ...common,
      body: { kind: "kept", why: error.message },
      needs: [],
      orderOnly: [],
      params,
      env: inheritedBy(sources),
    };
  }
}

function translate(
  rule: MakeRule,
  names: ReadonlyMap<string, string>,
  sources: Sources,
): Pick<Draft, "body" | "needs" | "orderOnly" | "params" | "env" | "prelude"> {
  const { target, needs, orderOnly, recipe, stem } = rule;
  const why = sources.keep.get(target) ?? rule.odd;
  if (why !== undefined) throw new OnlyMake(why);
  const lost = needs.find((need) => !names.has(need) && !sources.exists(need));
  if (lost !== undefined) throw new OnlyMake(`nothing that makes "${lost}"`);
  const tasks = {
    needs: needs.flatMap((need) => names.get(need) ?? []),
    orderOnly: orderOnly.flatMap((need) => names.get(need) ?? []),
  };
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
  const exports = findExports(sources);
  const params = toParams([...expanded.flatMap((one) => [...one.params]), ...exports.params], defaults);
  const isOpen = new Set(params.filter((param) => param.default === undefined).map(({ name }) => name));
  const commands = expanded.map(({ text, isIgnored }) => ({
    text: text.replaceAll(/\$\{(\w+)\}/g, (all, name: string) => (isOpen.has(name) ? `\${${name}-}` : all)),
    isIgnored,
  }));
  const merged = sources.database.hasOneShell
    ? [{ text: commands.map(({ text }) => text).join("\n"), isIgnored: commands[0]?.isIgnored === true }]
    : commands;
  const inDir = (file: string): string => (path.isAbsolute(file) ? file : path.posix.join(sources.dir, file));
  const makes =
    isFileTarget(rule) || rule.also !== undefined
      ? {
          makes: {
            outputs: groupOf(rule).map(inDir),
            inputs: needs.filter((need) => !names.has(need)).map(inDir),
          },
        }
      : {};
  const fixed = new Set(exports.env.map((entry) => entry.replace(/=[^]*/, "")));
  const env = [...new Set([...exports.env, ...expanded.flatMap((one) => [...one.env])])].filter(
    (name) => !standard.has(name) && (exports.env.includes(name) || !fixed.has(name)),
  );
  const prelude = renderExports(exports).replaceAll(/\$\{(\w+)\}/g, (all, name: string) =>
    isOpen.has(name) ? `\${${name}-}` : all,
  );
  return {
    body: { kind: "commands", commands: merged, ...makes },
    ...tasks,
    params,
    env: env.sort(),
    ...(prelude === "" ? {} : { prelude }),
  };
}

/** Variables that the recipes of a target and of what it needs are made of, and that a caller may set. */
function reachableParams({ target }: MakeRule, sources: Sources): readonly string[] {
  const { database } = sources;
  const defaults = findDefaults(sources);
  const texts = reachableRules(target, database).flatMap(({ recipe }) => recipe.map(({ text }) => text));
  const names = new Set<string>();
  const add = (text: string): void => {
    for (const [, name = ""] of text.matchAll(/(?<!\$)\$[({](\w+)[)}:]/g)) names.add(name);
  };
  texts.forEach(add);
  for (const name of names) add(database.variables.get(name)?.value ?? "");
  const loops = new Set(texts.flatMap((text) => [...text.matchAll(/\bforeach\s+(\w+)\s*,/g)].map(([, name]) => name)));
  return [...names].filter(
    (name) =>
      /^[A-Za-z_]/.test(name) &&
      !loops.has(name) &&
      (defaults.has(name) || (!database.variables.has(name) && !/^MAKE|^CURDIR$/.test(name))),
  );
}

/** The rules that make follows for a target. */
export function reachableRules(target: string, { rules }: MakeDatabase): readonly MakeRule[] {
  const reached = new Set([target]);
  const ruleOf = (name: string): MakeRule | undefined => rules.find((rule) => rule.target === name);
  for (const name of reached)
    for (const need of [...(ruleOf(name)?.needs ?? []), ...(ruleOf(name)?.orderOnly ?? [])]) reached.add(need);
  return [...reached].flatMap((name) => ruleOf(name) ?? []);
}

/** What make gets from the Makefile above, which bt does not run. */
function inheritedBy({ above }: Sources): readonly string[] {
  if (above === undefined) return [];
  try {
    return findExports(above).env;
  } catch (error) {
    if (error instanceof OnlyMake) return [];
    throw error;
  }
}

function toParams(names: readonly string[], defaults: ReadonlyMap<string, string>): readonly DraftParam[] {
  return [...new Set(names)].sort().map((name) => {
    const value = defaults.get(name);
    return value === undefined || value === "" || value.includes("$") ? { name } : { name, default: value };
  });
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

/** Those that others need come first. */
export function sortByNeeds(drafts: readonly Draft[]): readonly Draft[] {
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
