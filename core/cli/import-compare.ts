/** Compares what make would run for each target with what the imported tasks would run. Does not know how either is shown. */
import * as path from "node:path";
import { loadProject } from "../load.ts";
import { canonical, compareTarget, readDryRun, type Commands, type Comparison } from "../makefile/compare.ts";
import { readConditions, renderRounds } from "../makefile/condition.ts";
import { reachableRules, type Draft } from "../makefile/draft.ts";
import type { Probe } from "../makefile/probe.ts";
import { whereOf, type Drafted, type Makefile } from "../makefile/tree.ts";
import { planCommands, type Planned } from "./import-plan.ts";
import type { World } from "./world.ts";

type Values = Readonly<Record<string, string>>;

export interface Imported {
  readonly tree: readonly Makefile[];
  readonly drafts: readonly Drafted[];
  readonly probe: Probe;
}

interface CompareOptions {
  readonly env: Values;
  readonly world: World;
  /** Recipes with `+` may be run. */
  readonly mayRun: boolean;
}

/** The builderfile is in the probe's root. */
export async function compareTree(
  imported: Imported,
  options: CompareOptions,
): Promise<readonly { readonly comparison: Comparison; readonly drafted: Drafted }[]> {
  const { drafts, probe } = imported;
  const { env, world } = options;
  const project = await loadProject({
    cwd: probe.root,
    env,
    build: world.build,
    ownModule: world.ownModule,
    mayWrite: false,
  });
  const sides = createSides(imported, env);
  const results: { comparison: Comparison; drafted: Drafted }[] = [];
  for (const drafted of drafts) {
    const planned = await planCommands(project, drafted.draft.name, env);
    results.push({ drafted, comparison: compareDraft(drafted, { planned, sides, mayRun: options.mayRun }) });
  }
  return results;
}

/** Targets of pattern rules have no task. */
export function keptPatterns(tree: readonly Makefile[]): readonly Comparison[] {
  return tree.flatMap(({ dir, database }) =>
    database.rules
      .filter(({ isPattern, recipe }) => isPattern && recipe.length > 0)
      .map(({ target }) => ({
        ...nothing,
        target: path.posix.join(dir, target),
        verdict: "kept" as const,
        why: "a pattern has no task; make goes on making whatever it is asked for",
      })),
  );
}

const nothing = { both: [], onlyMake: [], onlyBt: [] };

function compareDraft(
  { draft, makefile }: Drafted,
  { planned, sides, mayRun }: { readonly planned: Planned; readonly sides: Sides; readonly mayRun: boolean },
): Comparison {
  const target = path.posix.join(draft.dir, draft.target);
  if (draft.body.kind === "kept")
    return compareTarget(target, {
      make: { commands: [] },
      bt: { commands: planned.commands.map(({ text }) => text) },
      kept: draft.body.why,
    });
  if (!mayRun && hasForced(draft.target, makefile))
    return {
      ...nothing,
      target,
      verdict: "not compared",
      why: "make -n would run its lines with `+`; --allow-run lets it",
      onlyBt: planned.commands.map(({ text }) => text),
    };
  const all = sides.given.map((given) =>
    compareTarget(target, { make: sides.make(draft.name, given), bt: sides.bt(planned, given) }),
  );
  const [plain, ...others] = all as [Comparison, ...Comparison[]]; // There are three or more.
  const isDifferent = others.some(({ verdict }) => verdict === "manual");
  if (plain.verdict !== "manual" && !isDifferent) return withNotes(plain, sides.notes(draft.name));
  return {
    ...plain,
    verdict: "manual",
    onlyMake: [...new Set(all.flatMap(({ onlyMake }) => onlyMake))],
    onlyBt: [...new Set(all.flatMap(({ onlyBt }) => onlyBt))],
    ...(plain.verdict === "manual" ? {} : { why: "make -n says something else when variables are given" }),
  };
}

function withNotes(one: Comparison, notes: readonly string[]): Comparison {
  const all = [...(one.why === undefined ? [] : [one.why]), ...notes];
  return notes.length === 0 || one.verdict === "not compared"
    ? one
    : { ...one, verdict: "equivalent", why: [...new Set(all)].join("; ") };
}

function hasForced(target: string, { database }: Makefile): boolean {
  return reachableRules(target, database).some(({ recipe }) => recipe.some(({ isForced }) => isForced));
}

interface Sides {
  /** Values that both are asked with: none; one for each variable; one for those that have a default; what conditions compare with. */
  readonly given: readonly Values[];
  readonly make: (name: string, given: Values) => Commands;
  readonly bt: (planned: Planned, given: Values) => Commands;
  /** What was rewritten for a task and those that it needs. */
  readonly notes: (name: string) => readonly string[];
}

function createSides({ drafts, probe }: Imported, env: Values): Sides {
  const byName = new Map(drafts.map((drafted) => [drafted.draft.name, drafted]));
  const params = drafts.flatMap(({ draft }) => draft.params);
  const probes = Object.fromEntries(params.map(({ name }) => [name, `probe-${name.toLowerCase()}`]));
  // Those that others are made of, alone: do the others follow them?
  const open = new Set(params.filter((param) => (param.default ?? "") === "").map(({ name }) => name));
  const roots = Object.fromEntries(Object.entries(probes).filter(([name]) => !open.has(name)));
  const valuesOf = ({ draft, makefile }: Drafted, given: Values): Values => ({
    ...env,
    ...makefile.above?.exports(given),
    PWD: path.join(probe.root, draft.dir),
    ...Object.fromEntries(
      [...draft.params, ...(draft.moved?.params ?? [])].map((param) => [param.name, param.default ?? ""]),
    ),
    ...given,
  });
  /** The temporary folder is another one each time. */
  const inDir = ({ dir }: Draft, command: string): string =>
    `${dir === "" ? "" : `${dir}: `}${command.replaceAll(probe.root, "$PWD")}`;

  const known = new Map<string, Commands>();
  const make: Sides["make"] = (name, given) => {
    const key = `${name} ${JSON.stringify(given)}`;
    const found = known.get(key) ?? withLater(name, given);
    known.set(key, found);
    return found;
  };
  const withLater: Sides["make"] = (name, given) => {
    const all = [askMake(name, given), ...laterOf(name, byName).map((need) => make(need, given))];
    return all.find(({ failure }) => failure !== undefined) ?? { commands: all.flatMap(({ commands }) => commands) };
  };
  const askMake: Sides["make"] = (name, given) => {
    const drafted = byName.get(name)!; // Names come from drafts.
    const { draft, makefile } = drafted;
    const { commands, failure } = probe.dryRun(whereOf(makefile, given), draft.target, given);
    if (failure !== undefined) return { commands, failure };
    const own = closureOf(name, byName).filter((one) => one.makefile === makefile);
    const lines = new Set(commands.map((text) => canonical(text)));
    const below: Commands[] = [];
    for (const one of own) {
      const { moved } = one.draft;
      if (moved === undefined) continue;
      const line = canonical(moved.text, valuesOf(one, given));
      const isRun = own.some(
        ({ draft: { body }, ...rest }) =>
          body.kind === "commands" &&
          body.commands.some(({ text }) => canonical(text, valuesOf({ draft: one.draft, ...rest }, given)) === line),
      );
      if (lines.has(line)) below.push(...moved.needs.map((need) => make(need, given)));
      if (!isRun) lines.delete(line);
    }
    const failed = below.find((one) => one.failure !== undefined);
    if (failed !== undefined) return failed;
    return {
      commands: [...[...lines].map((line) => inDir(draft, line)), ...below.flatMap((one) => one.commands)],
    };
  };
  const bt: Sides["bt"] = ({ commands, failure }, given) => {
    const all = commands.flatMap(({ task, text }): readonly string[] => {
      const drafted = byName.get(task)!; // Only these tasks are in the builderfile.
      const { body, params, prelude = "" } = drafted.draft;
      const bare = text.startsWith(prelude) ? text.slice(prelude.length) : text;
      // Make shows the lines of one script as if they were several.
      const lines = drafted.makefile.database.hasOneShell ? readDryRun(bare) : [bare];
      const own = lines.map((line) => inDir(drafted.draft, canonical(line, valuesOf(drafted, given))));
      if (body.kind !== "kept" || isShared(drafted, commands, byName)) return own;
      const handed = Object.fromEntries(
        Object.entries(given).filter(([name]) => params.some((one) => one.name === name)),
      );
      const made = askMake(task, handed);
      return made.failure === undefined ? made.commands : own;
    });
    return { commands: all, ...(failure === undefined ? {} : { failure }) };
  };
  const notes: Sides["notes"] = (name) => {
    const closure = closureOf(name, byName);
    const reached = closure.map(({ draft }) => draft);
    const isScript = closure.some(
      ({ draft: { body }, makefile }) =>
        makefile.database.hasOneShell &&
        body.kind === "commands" &&
        body.commands.some(({ text }) => text.includes("\n")),
    );
    const kept = reached.filter(({ body }) => body.kind === "kept");
    return [
      ...kept.map(({ target, dir }) => `${path.posix.join(dir, target)} is kept`),
      ...(reached.some(({ body }) => body.kind === "commands" && body.commands.some(({ text }) => callsMake.test(text)))
        ? ["values for bt do not reach the make that it calls"]
        : []),
      ...reached.flatMap(({ later = [] }) => later).map((need) => `after ${need}`),
      ...(isScript ? ["a failure in the middle ends the script"] : []),
      ...(reached.some(({ prelude }) => prelude !== undefined) ? ["what is exported is set before each command"] : []),
    ];
  };
  const conditions = [...new Set(drafts.map(({ makefile }) => makefile))].flatMap(({ lines }) => readConditions(lines));
  const rounds = renderRounds(conditions, new Set(Object.keys(probes)));
  return { given: [{}, probes, roots, ...rounds], make, bt, notes };
}

const callsMake = /(^|[\s;&|(])make(?=\s)/;

/** Whether something that make would make for this target is another task of the run: it would be made twice. */
function isShared(
  { draft, makefile }: Drafted,
  commands: Planned["commands"],
  byName: ReadonlyMap<string, Drafted>,
): boolean {
  const reachOf = (one: Drafted): readonly string[] =>
    one.draft.body.kind === "kept"
      ? reachableRules(one.draft.target, one.makefile.database).map(({ target }) => target)
      : [one.draft.target];
  const own = new Set(reachOf({ draft, makefile }));
  return [...new Set(commands.map(({ task }) => task))].some((task) => {
    const other = byName.get(task);
    if (other === undefined || task === draft.name || other.makefile !== makefile) return false;
    return reachOf(other).some((target) => own.has(target));
  });
}

/** Needs that tasks of the same Makefile have because of the one call that they are below of. */
function laterOf(name: string, byName: ReadonlyMap<string, Drafted>): readonly string[] {
  const makefile = byName.get(name)?.makefile;
  return closureOf(name, byName).flatMap((one) => (one.makefile === makefile ? (one.draft.later ?? []) : []));
}

function closureOf(name: string, byName: ReadonlyMap<string, Drafted>): readonly Drafted[] {
  const reached = new Set([name]);
  for (const one of reached) {
    const { needs = [], orderOnly = [] } = byName.get(one)?.draft ?? {};
    for (const need of [...needs, ...orderOnly]) reached.add(need);
  }
  return [...reached].flatMap((one) => byName.get(one) ?? []);
}
