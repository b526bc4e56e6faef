/** argv in, exit code out: the long way, for everything that the shortcut cannot answer. Does not know how anything works. */
import * as path from "node:path";
import { findAddress, type Catalog } from "../catalog.ts";
import { placeErrors } from "../errors.ts";
import { fileUnusable } from "../errors/disk.ts";
import { optionAlone } from "../errors/past.ts";
import { directoryMissing, optionTaken } from "../errors/request.ts";
import { isFolder } from "../files.ts";
import { findBuilderfile, loadSettings } from "../find.ts";
import { loadProject, type Project } from "../load.ts";
import { findMakeFacts } from "../makeflags.ts";
import { colourLevel, createPaint } from "../paint.ts";
import { optionName, variableName } from "../params.ts";
import { assemble } from "../plugin.ts";
import { prepare } from "../prepare.ts";
import { renderError, renderWarning } from "../report/failure.ts";
import { manifestChanges } from "../warm.ts";
import { collectCache, readCacheWish } from "./cache.ts";
import { parseArgs, resolveTokens, type Args, type Asked, type Options } from "./args.ts";
import { cacheOutline } from "./listcache.ts";
import { outlineTasks } from "./outline.ts";
import { createRequest, runTasks } from "./perform.ts";
import { createAsker } from "./asker.ts";
import { writePastReport } from "./page.ts";
import { print, reserveOutput, writeText } from "./print.ts";
import { showShim } from "./shim.ts";
import { showCheck, showDoctor, showList, showLog, showRuns, showTaskHelp } from "./show.ts";
import { findMisspelt, readMakeVariables, renderMakeVariables, withMakeFlags } from "./under-make.ts";
import { usage } from "./usage.ts";
import { watchTasks } from "./watch.ts";
import type { Desk, World } from "./world.ts";

/** Runs one command line and returns the exit code. Never rejects. */
export async function main(world: World): Promise<number> {
  const [first, ...words] = world.argv;
  if (first === "--complete") return (await (await import("./complete-project.ts")).completeProject(words, world), 0);
  const isJson = world.argv.includes("--json");
  let isQuestion = false;
  try {
    const given = parseArgs(world.argv);
    const make = findMakeFacts(world.env, given.options.flags.has("make"));
    if (make === undefined && world.env["MAKEFLAGS"] !== undefined && given.options.flags.has("verbose"))
      writeText(2, "bt: MAKEFLAGS is ignored: no make has started this bt\n");
    const args = make === undefined ? given : withMakeFlags(given, make);
    isQuestion = args.options.flags.has("question");
    return await dispatch(args, make === undefined ? world : { ...world, make });
  } catch (error) {
    const { MAKE_TERMERR: terminal } = world.env; // As make says of standard error.
    const paint = await createPaint(
      colourLevel({ ...world.env, MAKE_TERMOUT: terminal }, process.stderr.isTTY === true),
    );
    const told = fileUnusable(error, 2) ?? error;
    writeText(2, renderError(told, paint));
    if (isJson) writeText(1, `${JSON.stringify({ error: codesOf(told) })}\n`);
    // Make knows only 0, 1 and 2 as answers to `-q`.
    return isQuestion ? 2 : exitCodeOf(told);
  }
}

function codesOf(error: unknown): readonly string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(codesOf);
  return [error instanceof Error && "code" in error ? String(error.code) : "BUG"];
}

function exitCodeOf(error: unknown): number {
  if (error instanceof AggregateError) return Math.max(...error.errors.map(exitCodeOf));
  return error instanceof Error && "exitCode" in error && typeof error.exitCode === "number" ? error.exitCode : 70;
}

async function dispatch(args: Args, world: World): Promise<number> {
  const { options } = args;
  const { flags } = options;
  if (flags.has("version")) return (print(`bt ${world.version}\n`), 0);
  if (flags.has("help") && args.tokens.length === 0) return (print(usage), 0);
  if (options.completion !== undefined) return (await import("./completion.ts")).showCompletion(options.completion);
  const cwd = enter(world.cwd, options.directory);
  const mayWrite = !flags.has("dry-run") && !flags.has("question");
  if (flags.has("init")) return await (await import("./init.ts")).initProject(args, { ...world, cwd });
  if (flags.has("import-make")) return await (await import("./import-make.ts")).importMake(args, { ...world, cwd });
  if (flags.has("verbose")) await tellReload(cwd, options.file, world);
  if (flags.has("json") || (options.output ?? (await loadSettings(world.env)).output) === "json") reserveOutput();
  const load = (): Promise<Project> =>
    loadProject({
      cwd,
      env: world.env,
      build: world.build,
      ownModule: world.ownModule,
      mayWrite,
      ...(options.file === undefined ? {} : { file: options.file }),
    });
  const project = await load();
  if (flags.has("runs")) return showRuns(project, options);
  if (options.logs !== undefined) return showLog(project, options.logs, options.run);
  if (options.report !== undefined && args.tokens.length === 0 && options.tags.length === 0)
    return await writePastReport(options.report, options.run, { root: project.root, cwd: world.cwd });
  try {
    const paint = await createPaint(colourLevel(world.env, process.stdout.isTTY === true));
    const desk: Desk = {
      project,
      world,
      mayWrite,
      paint,
      ...(flags.has("ask") && !flags.has("question") ? { ask: createAsker(paint) } : {}),
    };
    if (!flags.has("watch")) return await answer(args, desk);
    return await watchTasks(project, {
      load,
      run: (now, lasting) => answer(args, { ...desk, project: now, lasting }),
      prepare(now) {
        const then = { ...desk, project: now, mayWrite: false };
        return prepare(now, createRequest(args, ask(args, then, assemble(now.builder).catalog), then));
      },
      paint,
    });
  } catch (error) {
    throw placeErrors(error, project.placeOf);
  }
}

/** Why the builderfile is not taken as it was last time. */
async function tellReload(cwd: string, file: string | undefined, { build, env }: World): Promise<void> {
  const { root } = await findBuilderfile(cwd, file);
  for (const change of manifestChanges(root, build, env))
    writeText(2, `bt: The builderfile is evaluated again: ${change}\n`);
}

async function answer(args: Args, desk: Desk): Promise<number> {
  const { options } = args;
  const { flags } = options;
  const { catalog } = assemble(desk.project.builder);
  if (flags.has("make-shim")) return await showShim(args, desk);
  const asked = ask(args, desk, catalog);
  checkPast(options);
  if (flags.has("help")) return await showTaskHelp(catalog, asked, desk);
  if (flags.has("doctor")) return await showDoctor(desk, flags.has("json"));
  if (flags.has("cache-gc"))
    return await collectCache(readCacheWish(options, desk.project, desk.world), desk.project, desk.world);
  if (flags.has("check")) return await showCheck(desk, flags.has("json"));
  const isBare =
    asked.words.length === 0 &&
    options.tags.length === 0 &&
    catalog.defaultTask === undefined &&
    options.graph === undefined &&
    options.resume === undefined &&
    options.replay === undefined &&
    !flags.has("why") &&
    !flags.has("clean");
  if (flags.has("list") || isBare) return await showList(catalog, desk, flags.has("json"));
  if (desk.mayWrite && options.graph === undefined && !flags.has("why")) keepOutline(desk.project, catalog);
  return await runTasks(args, asked, desk);
}

/** Tasks and values of the command line. @throws BtError OPTION_UNKNOWN, OPTION_VALUE, OPTION_TAKEN */
function ask(args: Args, desk: Desk, catalog: Catalog): Asked {
  const asked = addMakeVariables(resolveTokens(args.tokens, paramKinds(catalog)), args.options, desk, catalog);
  checkTaken(args.own, asked.words, catalog);
  return asked;
}

/** At a terminal somebody will press TAB: what a changed builderfile offers is kept before its tasks run. */
function keepOutline(project: Project, catalog: Catalog): void {
  const isNew = project.manifest.writtenMs === project.startedMs;
  if (process.stdout.isTTY && isNew) cacheOutline(project, outlineTasks(catalog));
}

/** @throws BtError OPTION_ALONE */
function checkPast({ run, vs, flags }: Options): void {
  if (flags.has("why")) return;
  if (run !== undefined) throw optionAlone("--run", ["--why TASK", "--logs TASK", "--report FILE"]);
  if (vs !== undefined) throw optionAlone("--vs", ["--why TASK"]);
}

function enter(cwd: string, directory: string | undefined): string {
  const folder = path.resolve(cwd, directory ?? ".");
  if (!isFolder(folder)) throw directoryMissing(directory ?? ".");
  return folder;
}

/** `bt image --tag v1` must not mean bt's `--tag` when the task has a param `tag`: too much could be published. */
function checkTaken(own: readonly string[], words: readonly string[], catalog: Catalog): void {
  for (const word of words) {
    const named = catalog.tasks.get(findAddress(catalog, word)?.name ?? "");
    for (const [name, param] of Object.entries(named?.task.params ?? {})) {
      if (own.includes(optionName(name))) throw optionTaken(`--${optionName(name)}`, word, variableName(name, param));
    }
  }
}

/** Make's variables are the weaker values: of several the last one counts. */
function addMakeVariables(
  asked: Asked,
  { flags }: Options,
  { world: { env, make }, paint }: Desk,
  catalog: Catalog,
): Asked {
  if (make === undefined || !flags.has("make")) return asked;
  const known = new Set(
    [...catalog.tasks.values()].flatMap(({ task }) =>
      Object.entries(task.params ?? {}).map(([name, param]) => variableName(name, param)),
    ),
  );
  const found = readMakeVariables(env, make);
  if (!flags.has("question"))
    for (const { name, near } of findMisspelt(make, known))
      writeText(
        2,
        renderWarning({ text: `No task knows the make variable ${name}`, fix: `Use ${near}, or leave it out.` }, paint),
      );
  if (flags.has("verbose")) writeText(2, renderMakeVariables(found, known));
  return { ...asked, assignments: [...found, ...asked.assignments] };
}

function paramKinds(catalog: Catalog): ReadonlyMap<string, "flag" | "value"> {
  const kinds = new Map<string, "flag" | "value">();
  for (const { task } of catalog.tasks.values()) {
    for (const [name, param] of Object.entries(task.params ?? {}))
      kinds.set(optionName(name), param.kind === "flag" ? "flag" : "value");
  }
  return kinds;
}
