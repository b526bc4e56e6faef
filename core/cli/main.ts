/** argv in, exit code out: the long way, for everything that the shortcut cannot answer. Does not know how anything works. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { createAssigner } from "../assign.ts";
import { findAddress, type Catalog } from "../catalog.ts";
import { build } from "../build.ts";
import { placeErrors } from "../errors.ts";
import { taskUnknown } from "../errors/graph.ts";
import { directoryMissing, logMissing, optionWrong, settingsWrong } from "../errors/request.ts";
import type { Reporter } from "../event.ts";
import { isFolder, writeAtomic } from "../files.ts";
import { settingsFiles } from "../find.ts";
import { loadProject, type Project } from "../load.ts";
import { colourLevel, createPaint, type Paint } from "../paint.ts";
import { optionName } from "../params.ts";
import { paramText } from "../environment.ts";
import { assemble } from "../plugin.ts";
import { prepare, type BuildRequest } from "../prepare.ts";
import { findRun, listRuns, logPath } from "../record.ts";
import { renderError } from "../report/failure.ts";
import { createReporter, findMode, outputs, type Output } from "../report/reporter.ts";
import { callable } from "../catalog.ts";
import { checkProject, renderCheck } from "./check.ts";
import { askDoctor, renderDoctor } from "./doctor.ts";
import { graphFormats, renderGraph } from "./graph.ts";
import { watchInterrupts } from "./interrupt.ts";
import { describeTask, listTasks, renderList, renderTaskHelp } from "./list.ts";
import { cacheList } from "./listcache.ts";
import { parseArgs, resolveTokens, type Args, type Asked, type Options } from "./args.ts";
import { explain, renderWhy } from "./why.ts";
import { usage } from "./usage.ts";
import { freshRequest } from "./shortcut.ts";

/** What the process gives. */
export interface World {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly build: string;
  readonly version: string;
  readonly ownModule: (specifier: string) => Promise<object> | undefined;
}

/** Runs one command line and returns the exit code. Never rejects. */
export async function main(world: World): Promise<number> {
  const isJson = world.argv.includes("--json");
  try {
    return await dispatch(parseArgs(world.argv), world);
  } catch (error) {
    const paint = await createPaint(colourLevel(world.env, process.stderr.isTTY === true));
    writeText(2, renderError(error, paint));
    if (isJson) writeText(1, `${JSON.stringify({ error: codesOf(error) })}\n`);
    return exitCodeOf(error);
  }
}

/** Everything is written before the process ends, even into a slow pipe; a reader that has gone is no crash. */
function writeText(descriptor: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += fs.writeSync(descriptor, bytes, offset);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // The pipe is full: give its reader a moment.
    }
  }
}

const print = (text: string): void => writeText(1, text);

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
  if (flags.has("version")) return print(`bt ${world.version}\n`), 0;
  if (flags.has("help") && args.tokens.length === 0) return print(usage), 0;
  const cwd = enter(world.cwd, options.directory);
  const mayWrite = !flags.has("dry-run") && !flags.has("question");
  const project = await loadProject({ cwd, env: world.env, build: world.build, ownModule: world.ownModule, mayWrite, ...(options.file === undefined ? {} : { file: options.file }) });
  if (flags.has("runs")) return showRuns(project, options);
  if (options.logs !== undefined) return showLog(project, options.logs, options.run);
  try {
    return await answer(args, { project, world, mayWrite });
  } catch (error) {
    throw placeErrors(error, project.placeOf);
  }
}

async function answer(args: Args, { project, world, mayWrite }: Omit<Desk, "paint">): Promise<number> {
  const { options } = args;
  const { flags } = options;
  const { catalog } = assemble(project.builder);
  const asked = resolveTokens(args.tokens, paramKinds(catalog));
  const paint = await createPaint(colourLevel(world.env, process.stdout.isTTY === true));
  if (flags.has("help")) return await showTaskHelp(catalog, asked, project, world, paint);
  if (flags.has("doctor")) return await showDoctor(project, world, flags.has("json"), paint);
  if (flags.has("check")) return await showCheck(project, world, flags.has("json"), paint);
  const isBare = asked.words.length === 0 && options.tags.length === 0 && catalog.defaultTask === undefined && options.graph === undefined && !flags.has("why");
  if (flags.has("list") || isBare) return await showList(catalog, project, { isJson: flags.has("json"), paint, mayWrite });
  return await runTasks(args, asked, { project, world, paint, mayWrite });
}

function enter(cwd: string, directory: string | undefined): string {
  const folder = path.resolve(cwd, directory ?? ".");
  if (!isFolder(folder)) throw directoryMissing(directory ?? ".");
  return folder;
}

function paramKinds(catalog: Catalog): ReadonlyMap<string, "flag" | "value"> {
  const kinds = new Map<string, "flag" | "value">();
  for (const { task } of catalog.tasks.values()) {
    for (const [name, param] of Object.entries(task.params ?? {})) kinds.set(optionName(name), param.kind === "flag" ? "flag" : "value");
  }
  return kinds;
}

async function showList(catalog: Catalog, project: Project, { isJson, paint, mayWrite }: { isJson: boolean; paint: Paint; mayWrite: boolean }): Promise<number> {
  const tasks = listTasks(catalog);
  print(isJson ? `${JSON.stringify({ version: 1, tasks }, undefined, 2)}\n` : renderList(tasks, paint));
  if (mayWrite) cacheList(project, { plain: renderList(tasks, await createPaint(0)), colour: renderList(tasks, await createPaint(1)) }, catalog.defaultTask === undefined);
  return 0;
}

async function showTaskHelp(catalog: Catalog, asked: Asked, project: Project, world: World, paint: Paint): Promise<number> {
  for (const word of asked.words) {
    const named = catalog.tasks.get(findAddress(catalog, word)?.name ?? "");
    if (named === undefined) throw taskUnknown(word, callable(catalog));
    const assigner = createAssigner(asked.assignments, { env: world.env, builderfile: project.builder.params ?? {} });
    const values: Record<string, string> = {};
    for (const [name, param] of Object.entries(named.task.params ?? {})) {
      const bound = await assigner.bind({ ...named, task: { ...named.task, params: { [name]: { ...param, required: false } } } }, {});
      const { value, source } = bound[name] ?? { value: undefined, source: "none" };
      if (source !== "none" && source !== "default") values[name] = `${param.kind === "secret" ? "***" : paramText(value)}, from the ${source}`;
    }
    print(renderTaskHelp(describeTask(named, catalog), values, paint));
  }
  return 0;
}

async function showDoctor(project: Project, world: World, isJson: boolean, paint: Paint): Promise<number> {
  const answer = await askDoctor(project, world.env);
  print(isJson ? `${JSON.stringify({ version: 1, requirements: answer }, undefined, 2)}\n` : renderDoctor(answer, paint));
  return answer.some(({ isRequired, found }) => isRequired && found === undefined) ? 2 : 0;
}

async function showCheck(project: Project, world: World, isJson: boolean, paint: Paint): Promise<number> {
  const result = await checkProject(project, world.env);
  print(isJson ? `${JSON.stringify({ version: 1, ...result, mistakes: result.mistakes.map(({ code, message, fix }) => ({ code, message, fix })) }, undefined, 2)}\n` : renderCheck(result, paint));
  return result.mistakes.length > 0 ? 2 : 0;
}

function showRuns({ root }: Project, { flags }: Options): number {
  const runs = listRuns(root).flatMap((id) => findRun(root, id) ?? []);
  if (flags.has("json")) print(`${JSON.stringify({ version: 1, runs }, undefined, 2)}\n`);
  else for (const { id, targets, exitCode, signal } of runs) print(`${id}  ${exitCode === undefined ? "killed" : signal === undefined ? `exit ${exitCode}` : signal}  ${targets.join(" ")}\n`);
  return 0;
}

function showLog({ root }: Project, task: string, run: string | undefined): number {
  for (const id of run === undefined ? listRuns(root) : [run]) {
    const file = path.join(root, logPath(id, task));
    const found = findRun(root, id)?.tasks[task];
    if (!fs.existsSync(file) && found?.outcome !== "ran" && found?.outcome !== "failed") continue;
    print(fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
    return 0;
  }
  throw logMissing(task, run, [...new Set(listRuns(root).flatMap((id) => Object.keys(findRun(root, id)?.tasks ?? {})))]);
}

interface Desk {
  readonly project: Project;
  readonly world: World;
  readonly paint: Paint;
  readonly mayWrite: boolean;
}

async function runTasks(args: Args, asked: Asked, { project, world, paint, mayWrite }: Desk): Promise<number> {
  const { options, rest } = args;
  const { flags } = options;
  checkSettings(project.settings, world.env);
  const only = parseOnly(options.only);
  const isQuery = flags.has("why") || options.graph !== undefined || flags.has("question") || flags.has("dry-run");
  const request: BuildRequest = {
    selection: { words: asked.words, tags: options.tags, except: options.except },
    assignments: asked.assignments,
    rest,
    env: world.env,
    isForced: flags.has("force"),
    mayWrite: mayWrite && !isQuery,
    ...(only === undefined ? {} : { only }),
  };
  if (options.graph !== undefined) {
    const { graph, order } = await prepare(project, request);
    return print(renderGraph(graph, order, oneOf("--graph", options.graph, graphFormats))), 0;
  }
  if (flags.has("why")) {
    const answers = explain(await prepare(project, request));
    return print(flags.has("json") ? `${JSON.stringify({ version: 1, tasks: answers }, undefined, 2)}\n` : renderWhy(answers, paint)), 0;
  }
  if (flags.has("question")) {
    const { forecast } = await prepare(project, request);
    return [...forecast.wanted].every((id) => forecast.results.has(id)) ? 0 : 1;
  }
  const jobs = parseJobs(options.jobs ?? project.settings.jobs);
  const reporters = await createReporters(options, { project, world, jobs });
  // On a terminal through the stream, which the live view watches; elsewhere at once.
  const interrupts = watchInterrupts((text) => void (process.stderr.isTTY ? process.stderr.write(text) : writeText(2, text)));
  const proofRequest = only === undefined && project.settings.output !== "json" ? freshRequest(world.argv) : undefined;
  try {
    const result = await build(project, request, {
      env: world.env,
      jobs,
      keepGoing: flags.has("keep-going"),
      failFast: flags.has("fail-fast"),
      graceMs: 5000,
      interrupt: interrupts.first,
      kill: interrupts.second,
      confirm: flags.has("yes") ? async () => true : confirmOnTerminal,
      isDryRun: flags.has("dry-run"),
      reporters,
      ...(options.loadLimit === undefined || options.loadLimit === "" ? {} : { loadLimit: parseNumber("--load-average", options.loadLimit) }),
      ...(options.timeout === undefined ? {} : { timeoutMs: parseNumber("--timeout", options.timeout) * 1000 }),
      ...(proofRequest === undefined ? {} : { proofRequest }),
    });
    interrupts.reraise();
    return result.exitCode;
  } finally {
    interrupts.stop();
  }
}

function parseOnly(text: string | undefined): "check" | "force" | undefined {
  return text === undefined ? undefined : oneOf("--only", text, ["check", "force"] as const);
}

function oneOf<const T extends string>(option: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw optionWrong(option, text, `one of ${allowed.join(", ")}`, allowed);
  return found;
}

function parseNumber(option: string, text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw optionWrong(option, text, "a number");
  return value;
}

/** Settings are checked even where an option beats them. */
function checkSettings({ jobs, output }: Project["settings"], env: World["env"]): void {
  const file = settingsFiles(env).find((name) => fs.existsSync(name)) ?? "";
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0)) throw settingsWrong(file, { kind: "value", name: "jobs", found: `${jobs}`, allowed: "a whole number from 1" });
  if (output !== undefined && !outputs.some((name) => name === output)) throw settingsWrong(file, { kind: "value", name: "output", found: `"${output}"`, allowed: `one of ${outputs.join(", ")}` });
}

/** `-j4`, `-j50%`; without a number, one for each CPU. */
function parseJobs(given: string | number | undefined): number {
  const cpus = os.availableParallelism();
  if (given === undefined || given === "") return cpus;
  const text = String(given);
  const percent = /^(\d+)%$/.exec(text)?.[1];
  if (percent !== undefined) return Math.max(1, Math.round((cpus * Number(percent)) / 100));
  if (!/^[1-9]\d*$/.test(text)) throw optionWrong("--jobs", text, "a whole number from 1, or a percentage of the CPUs");
  return Number(text);
}

async function createReporters(options: Options, { project, world, jobs }: { project: Project; world: World; jobs: number }): Promise<Reporter[]> {
  const wish = options.output ?? project.settings.output;
  const output: Output | undefined = options.flags.has("json") ? "json" : wish === undefined ? undefined : oneOf("--output", wish, outputs);
  const mode = {
    ...(output === undefined ? {} : { output }),
    env: world.env,
    isTTY: process.stdout.isTTY === true,
    jobs,
    quiet: options.flags.has("quiet"),
    verbose: options.flags.has("verbose"),
    dryRun: options.flags.has("dry-run"),
  };
  const write = findMode(mode) === "live" ? (text: string): void => void process.stdout.write(text) : print;
  const shown = await createReporter({ ...mode, write, streams: () => ({ stdout: process.stdout, stderr: process.stderr }) });
  const { trace } = options;
  if (trace === undefined) return [shown];
  const { createTraceReporter } = await import("../report/trace.ts");
  return [shown, createTraceReporter({ save: (text) => writeAtomic(path.resolve(world.cwd, trace), text) })];
}

async function confirmOnTerminal(question: string): Promise<boolean | undefined> {
  if (process.stdin.isTTY !== true) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
