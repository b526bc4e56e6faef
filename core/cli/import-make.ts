/** `bt --import-make`: a builderfile from a Makefile, with what is dangerous in it and a comparison of what both would run. Does not know how texts are read. */
import * as fs from "node:fs";
import * as path from "node:path";
import { build } from "../build.ts";
import { importExists, importUnconfirmed, makefileMissing, optionUnknown } from "../errors/request.ts";
import type { Reporter } from "../event.ts";
import { isBtError } from "../errors.ts";
import { findText, writeAtomic } from "../files.ts";
import { loadProject, type Project } from "../load.ts";
import { compareTarget, type Commands, type Comparison } from "../makefile/compare.ts";
import { parseDatabase, type MakeDatabase } from "../makefile/database.ts";
import { draftTasks, isFileTarget, type Draft } from "../makefile/draft.ts";
import { lintRecipes } from "../makefile/lint.ts";
import { openProbe, type Probe } from "../makefile/probe.ts";
import { renderBuilderfile } from "../makefile/render.ts";
import { renderReport } from "../makefile/report.ts";
import { createPaint, colourLevel } from "../paint.ts";
import { passedEnvironment } from "../environment.ts";
import type { Args } from "./args.ts";
import { confirmOnTerminal } from "./confirm.ts";
import { print, printJson } from "./print.ts";
import type { World } from "./world.ts";

/** Names that make looks for, in its order. */
const makefiles = ["GNUmakefile", "makefile", "Makefile"];

/** Writes `builderfile.ts`, prints the report; 1 when a target is left that a person has to look at. @throws BtErrors before anything is written */
export async function importMake({ tokens, options }: Args, world: World): Promise<number> {
  const { flags } = options;
  const given = (name: string): boolean => tokens.some((token) => token.kind === "option" && token.name === name);
  const unknown = tokens.find((token) => token.kind === "option" && !["no-exec", "allow-run"].includes(token.name));
  if (unknown?.kind === "option")
    throw optionUnknown(`--${unknown.name}`, ["--no-exec", "--allow-run", "--force", "--yes"]);
  const word = tokens.find((token) => token.kind === "word");
  const named = word?.kind === "word" ? path.resolve(world.cwd, word.text) : undefined;
  const file = named ?? makefiles.map((name) => path.join(world.cwd, name)).find((name) => fs.existsSync(name));
  const text = file === undefined ? undefined : findText(file);
  if (file === undefined || text === undefined)
    throw makefileMissing(word?.kind === "word" ? word.text : makefiles.join(", "));
  const folder = path.dirname(file);
  const target = path.join(folder, "builderfile.ts");
  if (fs.existsSync(target) && !flags.has("force")) throw importExists(path.relative(world.cwd, target));
  const executed = findExecuted(text);
  if (flags.has("dry-run")) return (print(executed.map((line) => `${line}\n`).join("")), 0);
  const mayExecute = !given("no-exec");
  if (!mayExecute && /^\s*(override\s+SHELL|-?load)\b/m.test(text))
    throw importUnconfirmed(["override SHELL, or load"]);
  if (mayExecute && executed.length > 0 && !flags.has("yes")) {
    print(
      `Reading ${path.basename(file)} runs, in a copy of the folder:\n${executed.map((line) => `  ${line}\n`).join("")}`,
    );
    if ((await confirmOnTerminal("Go on?")) !== true) throw importUnconfirmed(executed);
  }
  const env = passedEnvironment(world.env);
  const probe = openProbe(folder, path.basename(file), { mayExecute, env });
  try {
    const result = await translate(probe, {
      file: path.basename(file),
      lines: text.split("\n"),
      env,
      world,
      mayRun: given("allow-run"),
    });
    writeAtomic(target, result.builderfile);
    const report = { makefile: path.basename(file), ...result.report };
    if (flags.has("json")) printJson({ version: 1, ...report });
    else print(renderReport(report, await createPaint(colourLevel(world.env, process.stdout.isTTY === true))));
    return report.targets.some(({ verdict }) => verdict === "manual") ? 1 : 0;
  } finally {
    process.chdir(world.cwd);
    probe.remove();
  }
}

/** Lines that make executes while it reads. */
function findExecuted(text: string): readonly string[] {
  return text
    .split("\n")
    .flatMap((line, at) =>
      /\$[({]shell\s|!=|^\s*-?include\s/.test(line) && !line.startsWith("\t") ? [`${at + 1}: ${line.trim()}`] : [],
    );
}

interface Task {
  readonly file: string;
  readonly lines: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly world: World;
  /** Recipes with `+` may be run. */
  readonly mayRun: boolean;
}

/** What turns out to differ is kept with make, and the rest compared once more. */
async function translate(
  probe: Probe,
  task: Task,
): Promise<{
  builderfile: string;
  report: { targets: readonly Comparison[]; findings: ReturnType<typeof lintRecipes>; complaint?: string };
}> {
  const { text, complaint } = probe.database();
  const database = parseDatabase(text);
  const keep = new Map<string, string>(wholeReason(task.lines, database));
  for (let round = 0; ; round++) {
    const drafts = draftTasks({
      database,
      file: task.file,
      lines: task.lines,
      lineOf: (file, line) => (findText(path.resolve(probe.root, file)) ?? "").split("\n")[line - 1],
      exists: (file) => fs.existsSync(path.resolve(probe.root, file)),
      keep,
    });
    const builderfile = renderBuilderfile(drafts, {
      makefile: task.file,
      goal: database.variables.get(".DEFAULT_GOAL")?.value,
    });
    fs.writeFileSync(path.join(probe.root, "builderfile.ts"), builderfile);
    const targets = await compareAll(drafts, database, probe, task);
    const different = targets.filter(({ verdict }) => verdict === "manual");
    if (different.length === 0 || round === 2) {
      const findings = lintRecipes(database, isFileTarget);
      return { builderfile, report: { targets, findings, ...(complaint === undefined ? {} : { complaint }) } };
    }
    for (const { target, why } of different) keep.set(target, why ?? "make -n says something else");
  }
}

/** Features that reach into every rule: then make keeps them all. */
function wholeReason(lines: readonly string[], { rules }: MakeDatabase): readonly (readonly [string, string])[] {
  const feature = [".SECONDEXPANSION", ".DEFAULT", "vpath", "VPATH"].find((name) =>
    lines.some((line) => new RegExp(`^\\s*${name.replace(".", "\\.")}\\b`).test(line)),
  );
  return feature === undefined ? [] : rules.map(({ target }) => [target, feature] as const);
}

async function compareAll(
  drafts: readonly Draft[],
  database: MakeDatabase,
  probe: Probe,
  { env, world, mayRun }: Task,
): Promise<readonly Comparison[]> {
  const project = await loadProject({
    cwd: probe.root,
    env,
    build: world.build,
    ownModule: world.ownModule,
    mayWrite: false,
  });
  const params = new Map(
    drafts.flatMap((draft) => draft.params.map((param) => [param.name, param.default ?? ""] as const)),
  );
  const defaults = { ...env, PWD: probe.root, ...Object.fromEntries(params) };
  const probes = Object.fromEntries([...params.keys()].map((name) => [name, `probe-${name.toLowerCase()}`]));
  // Those that others are made of, alone: do the others follow them?
  const roots = Object.fromEntries(Object.entries(probes).filter(([name]) => params.get(name) !== ""));
  const comparisons: Comparison[] = [];
  for (const draft of drafts) {
    const { target, body } = draft;
    const bt = await planCommands(project, draft.name, env);
    if (body.kind === "kept") {
      comparisons.push(compareTarget(target, { make: { commands: [] }, bt, values: {}, kept: body.why }));
      continue;
    }
    if (!mayRun && hasForced(target, database)) {
      comparisons.push({
        target,
        verdict: "not compared",
        why: "make -n would run its lines with `+`; --allow-run lets it",
        both: [],
        onlyMake: [],
        onlyBt: bt.commands,
      });
      continue;
    }
    const all = [{}, probes, roots].map((given) =>
      compareTarget(target, { make: probe.dryRun(target, given), bt, values: { ...defaults, ...given } }),
    );
    const [plain, ...others] = all as [Comparison, ...Comparison[]];
    const different = plain.verdict === "manual" ? undefined : others.find(({ verdict }) => verdict === "manual");
    comparisons.push(
      different === undefined ? plain : { ...different, why: "make -n says something else when variables are given" },
    );
  }
  const patterns = database.rules.filter(({ isPattern, recipe }) => isPattern && recipe.length > 0);
  for (const { target } of patterns)
    comparisons.push({
      target,
      verdict: "kept",
      why: "a pattern: make makes whatever is asked for",
      both: [],
      onlyMake: [],
      onlyBt: [],
    });
  return comparisons;
}

function hasForced(target: string, { rules }: MakeDatabase): boolean {
  const reached = new Set([target]);
  for (const name of reached)
    for (const need of rules.find((rule) => rule.target === name)?.needs ?? []) reached.add(need);
  return rules.some((rule) => reached.has(rule.target) && rule.recipe.some(({ isForced }) => isForced));
}

/** What bt would run for a task, as it says under `-n -B`. */
async function planCommands(project: Project, name: string, env: Task["env"]): Promise<Commands> {
  const commands: string[] = [];
  const reporter: Reporter = {
    event: (event) => void (event.kind === "task-output" && event.stream === "command" && commands.push(event.text)),
  };
  const never = new AbortController().signal;
  try {
    await build(
      project,
      {
        selection: { words: [name], tags: [], except: [] },
        assignments: [],
        rest: [],
        env,
        isForced: true,
        mayWrite: false,
      },
      {
        env,
        jobs: 1,
        keepGoing: false,
        failFast: false,
        graceMs: 0,
        interrupt: never,
        kill: never,
        confirm: async () => true,
        isDryRun: true,
        reporters: [reporter],
      },
    );
    return { commands };
  } catch (error) {
    const all: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    const first = all.find(isBtError);
    if (first === undefined) throw error;
    return { commands, failure: `bt -n: ${first.message}` };
  }
}
