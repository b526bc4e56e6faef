/** A Makefile, and with them those that it calls: read through a probe, and drafted together. Does not know what becomes of the drafts. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findText } from "../files.ts";
import { parseDatabase, type MakeDatabase } from "./database.ts";
import { draftTasks, sortByNeeds, type Draft } from "./draft.ts";
import type { Probe, Where } from "./probe.ts";
import { moveSubMakes, parseSubMake, type SubMake } from "./recurse.ts";
import { findDefaults, type Sources } from "./sources.ts";

/** Names that make looks for, in its order. */
export const makefileNames: readonly string[] = ["GNUmakefile", "makefile", "Makefile"];

/** One Makefile that has been read. */
export interface Makefile {
  /** Relative to the probe's root. Empty: that one. */
  readonly dir: string;
  /** Relative to `dir`. */
  readonly file: string;
  /** The first that calls it. */
  readonly above?: Makefile;
  readonly database: MakeDatabase;
  readonly lines: readonly string[];
  /** What make complained of while it read. */
  readonly complaint?: string;
  /** What it exports to programs and to those that it calls. Undefined: not known. */
  readonly exports: (values: Values) => Values | undefined;
}

type Values = Where["inherited"];

/** Reasons to keep targets, by Makefile and target: {@link keepKey}. */
export type Keep = ReadonlyMap<string, string>;

/**
 * The Makefile, and if `isRecursive` those that recipes call, each once, with what its first caller exports.
 * `check` is given each of these, absolute, before make reads it.
 */
export function readTree(
  probe: Probe,
  file: string,
  { isRecursive, check }: { readonly isRecursive: boolean; readonly check: (file: string) => void },
): readonly Makefile[] {
  const tree = [readMakefile(probe, { dir: "", file })];
  if (!isRecursive) return tree;
  for (const above of tree)
    for (const call of findCalls(above, probe)) {
      const name = findMakefile(probe, call);
      if (name === undefined || tree.some((one) => one.dir === call.dir && one.file === name)) continue;
      check(path.join(probe.root, call.dir, name));
      tree.push(readMakefile(probe, { dir: call.dir, file: name, above }));
    }
  return tree;
}

/** How a probe is to call make for it, when a caller sets these values. */
export function whereOf({ dir, file, above }: Pick<Makefile, "dir" | "file" | "above">, values: Values): Where {
  return { dir, file, inherited: above?.exports(values) ?? {} };
}

function readMakefile(probe: Probe, place: Pick<Makefile, "dir" | "file" | "above">): Makefile {
  const where = whereOf(place, {});
  const { text, complaint } = probe.database(where);
  const lines = (findText(path.join(probe.root, where.dir, where.file)) ?? "").split("\n");
  const known = new Map<string, Values | undefined>();
  const exports = (values: Values): Values | undefined => {
    const key = JSON.stringify(values);
    if (!known.has(key)) known.set(key, probe.exports(whereOf(place, values), values));
    return known.get(key);
  };
  return { ...place, database: parseDatabase(text), lines, exports, ...(complaint === undefined ? {} : { complaint }) };
}

function findCalls(makefile: Makefile, probe: Probe): readonly SubMake[] {
  return draftTasks(toSources(makefile, probe, new Map()), new Set()).flatMap(({ body, dir }) =>
    body.kind === "commands" ? body.commands.flatMap(({ text }) => parseSubMake(text, dir) ?? []) : [],
  );
}

function findMakefile(probe: Probe, { dir, file }: Pick<SubMake, "dir" | "file">): string | undefined {
  const names = file === undefined ? makefileNames : [file];
  return names.find((name) => fs.existsSync(path.join(probe.root, dir, name)));
}

export function keepKey({ dir, file }: Pick<Where, "dir" | "file">, target: string): string {
  return `${path.posix.join(dir, file)}: ${target}`;
}

function toSources(makefile: Makefile, probe: Probe, keep: Keep): Sources {
  const { dir, file, above, database, lines } = makefile;
  const folder = path.join(probe.root, dir);
  const prefix = keepKey(makefile, "");
  const own = [...keep].flatMap(([key, why]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), why] as const] : [],
  );
  const sources: Sources = {
    database,
    dir,
    file,
    lines,
    isNamed: findMakefile(probe, { dir }) !== file,
    lineOf: (name, line) => (findText(path.resolve(folder, name)) ?? "").split("\n")[line - 1],
    exists: (name) => fs.existsSync(path.resolve(folder, name)),
    keep: new Map(own),
    ...(above === undefined ? {} : { above: toSources(above, probe, new Map()) }),
  };
  const exported = findExported(makefile, [...findDefaults(sources).keys()], probe.root);
  return exported === undefined ? sources : { ...sources, exported };
}

/** What it exports besides what the one above does; fixed is what stays the same whatever a caller sets. */
function findExported(
  { exports, above }: Makefile,
  names: readonly string[],
  root: string,
): Sources["exported"] | undefined {
  const plain = exports({});
  const other = exports(Object.fromEntries(names.map((name) => [name, `probe-${name.toLowerCase()}`])));
  if (plain === undefined || other === undefined) return undefined;
  const inherited = above?.exports({}) ?? {};
  const entries = Object.entries(plain).filter(([name, text]) => inherited[name] !== text);
  return new Map(
    entries.map(([name, text]) => [name, { text, isFixed: other[name] === text && !text.includes(root) }] as const),
  );
}

/** One draft, and the Makefile that it comes from. */
export interface Drafted {
  readonly draft: Draft;
  readonly makefile: Makefile;
}

/** Drafts of all of them, with calls as needs where that means the same. */
export function draftTree(
  tree: readonly Makefile[],
  probe: Probe,
  { keep, isRecursive }: { readonly keep: Keep; readonly isRecursive: boolean },
): readonly Drafted[] {
  const taken = new Set<string>();
  const sources = new Map(tree.map((makefile) => [makefile, toSources(makefile, probe, keep)]));
  const drafts = new Map(tree.map((makefile) => [makefile, draftTasks(sources.get(makefile)!, taken)])); // Just made.
  const makefileOf = new Map(
    [...drafts].flatMap(([makefile, own]) => own.map((draft) => [draft.name, makefile] as const)),
  );
  const find = (call: SubMake, { name }: Draft): readonly Draft[] | undefined => {
    const file = findMakefile(probe, call);
    const below = tree.find((one) => one.dir === call.dir && one.file === file);
    const above = makefileOf.get(name);
    if (below === undefined || above === undefined) return undefined;
    if (below !== above && !isSame(above.exports({}), below.above?.exports({}))) return undefined;
    const [own, theirs] = [above, below].map((one) => findDefaults(sources.get(one)!)); // All of the tree have some.
    const isPlain = (one: Makefile, variable: string): boolean =>
      !one.database.variables.has(variable) || findDefaults(sources.get(one)!).has(variable);
    if (
      call.variables.some(
        (variable) =>
          !isPlain(above, variable) || !isPlain(below, variable) || own?.get(variable) !== theirs?.get(variable),
      )
    )
      return undefined;
    const goal = below.database.variables.get(".DEFAULT_GOAL")?.value;
    const targets = call.targets.length > 0 ? call.targets : goal === undefined ? [] : [goal];
    const found = targets.flatMap((target) => drafts.get(below)?.find((draft) => draft.target === target) ?? []);
    return found.length === targets.length && found.length > 0 ? found : undefined;
  };
  const all = [...drafts.values()].flat();
  const moved = isRecursive ? moveSubMakes(all, find) : all;
  return sortByNeeds(moved).map((draft) => ({ draft, makefile: makefileOf.get(draft.name)! })); // Every draft has one.
}

function isSame(a: Values | undefined, b: Values | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return (
    Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, value]) => b[name] === value)
  );
}
