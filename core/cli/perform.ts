/** Carries out the tasks of a command line. Does not know how anything works. */
import * as fs from "node:fs";
import * as path from "node:path";
import { build } from "../build.ts";
import { cleanTasks } from "../clean.ts";
import { askedIds } from "../decide.ts";
import { optionWrong, settingsWrong } from "../errors/request.ts";
import type { Reporter } from "../event.ts";
import { settingsFiles } from "../find.ts";
import type { Node } from "../graph.ts";
import type { Project } from "../load.ts";
import { resources } from "../pools.ts";
import { outlineGraph, prepare, type BuildRequest } from "../prepare.ts";
import { createReporter, findMode, outputs, type Output } from "../report/reporter.ts";
import { touchTasks } from "../touch.ts";
import { compareRuns, renderReplay, replayRun, resumeRun } from "./again.ts";
import type { Args, Asked, Options } from "./args.ts";
import { auditTasks, isAudited, withMarks } from "./audit.ts";
import { readCacheWish, withReplayed } from "./cache.ts";
import { confirmOnTerminal } from "./confirm.ts";
import { drawGraph } from "./draw.ts";
import { graphFormats } from "./graph.ts";
import { watchInterrupts } from "./interrupt.ts";
import { limitResources, limitWords, parseJobs, parseLimit, poolJobs } from "./limits.ts";
import { createPageReporters } from "./page.ts";
import { print, writeText } from "./print.ts";
import { saveText } from "./save.ts";
import { freshRequest } from "./shortcut.ts";
import { showWhy } from "./why.ts";
import type { Desk, World } from "./world.ts";

/** Runs the tasks of a command line, or says what a run would do. @throws BtError before anything runs */
export async function runTasks(args: Args, asked: Asked, desk: Desk): Promise<number> {
  const { world, paint, mayWrite } = desk;
  const { options } = args;
  const { flags } = options;
  const isTraced = flags.has("audit") && isAudited(world.env);
  const project = isTraced ? withMarks(desk.project) : desk.project;
  checkSettings(project.settings, world.env);
  const isReserved = findOutput(options, project) === "json";
  const isQuery = flags.has("why") || options.graph !== undefined || flags.has("question") || flags.has("dry-run");
  const replay =
    options.replay === undefined ? undefined : await replayRun(project.root, options.replay, asked, world.env);
  const request: BuildRequest = {
    ...createRequest(args, asked, { ...desk, project, mayWrite: mayWrite && !isQuery }),
    ...replay,
    // What is traced has to run, what is touched to be there.
    cache: readCacheWish(isTraced || flags.has("touch") ? { cache: "off" } : options, project, world),
  };
  if (options.graph !== undefined) {
    const format = flags.has("json") ? "json" : oneOf("--graph", options.graph, graphFormats);
    print(await drawGraph(await prepare(project, request), format));
    return 0;
  }
  const farRequest = flags.has("remote") ? { ...request, asking: new AbortController().signal } : request;
  if (flags.has("why")) {
    const prepared = await prepare(project, farRequest);
    return await showWhy(prepared, options, paint).finally(prepared.caches?.close);
  }
  if (flags.has("audit") && !isTraced && !isQuery)
    return await auditTasks({ project, world, isJson: flags.has("json") }, request);
  if (flags.has("question")) {
    const { forecast, caches } = await prepare(project, farRequest);
    await caches?.close();
    return [...forecast.wanted].every((id) => forecast.results.has(id)) ? 0 : 1;
  }
  if (flags.has("clean")) {
    const nodes = await findCleaned(project, asked.words.length > 0 || options.tags.length > 0 ? request : undefined);
    const cleaned = await cleanTasks(project.root, nodes, { mayWrite });
    if (!flags.has("quiet")) print(cleaned.map((id) => `clean ${id}\n`).join(""));
    return 0;
  }
  if (flags.has("touch")) {
    const touched = await touchTasks(await prepare(project, request));
    if (!flags.has("quiet")) print(touched.map((id) => `touch ${id}\n`).join(""));
    return 0;
  }
  const pool = world.make?.auth;
  // A trace tells tasks apart by when they ran.
  const alone = isTraced ? 1 : parseJobs(options.jobs ?? project.settings.jobs);
  // In a pool that others own, only what was said to bt itself bounds us.
  const jobs =
    pool === undefined || pool.kind === "none" || isTraced || options.jobs !== undefined
      ? alone
      : poolJobs(world.make?.jobs);
  const reporters = await createReporters(options, { project, world, jobs });
  // On a terminal through the stream, which the live view watches; elsewhere at once.
  const interrupts = watchInterrupts(
    (text) => void (process.stderr.isTTY ? process.stderr.write(text) : writeText(2, text)),
  );
  // The shortcut knows no settings: it would say what these two do not show.
  const isSayable = !["json", "none"].includes(project.settings.output ?? "");
  const proofRequest = options.only === undefined && isSayable ? freshRequest(world.argv, world.env) : undefined;
  try {
    const result = await build(project, request, {
      env: world.env,
      jobs,
      budget: limitResources(options, project.settings, project.root),
      keepGoing: flags.has("keep-going"),
      failFast: flags.has("fail-fast"),
      graceMs: 5000,
      interrupt: interrupts.first,
      kill: interrupts.second,
      confirm: flags.has("yes") ? async () => true : confirmOnTerminal,
      isDryRun: flags.has("dry-run"),
      reservesOutput: isReserved,
      ...(isTraced ? {} : { call: { words: world.argv, version: world.version } }),
      mayConnect: flags.has("remote"),
      reporters,
      ...(desk.lasting === undefined ? {} : { lasting: desk.lasting }),
      ...(options.loadLimit === undefined || options.loadLimit === ""
        ? {}
        : { loadLimit: parseNumber("--load-average", options.loadLimit) }),
      ...(options.timeout === undefined ? {} : { timeoutMs: parseNumber("--timeout", options.timeout) * 1000 }),
      jobserver: {
        jobsAlone: options.jobs === undefined ? 1 : alone,
        letters: `${flags.has("quiet") ? "s" : ""}${world.make?.letters.has("B") === true ? "B" : ""}`,
        ...(pool === undefined ? {} : { auth: pool }),
      },
      ...(proofRequest === undefined ? {} : { proofRequest }),
    });
    if (desk.lasting === undefined) interrupts.reraise(); // A watch has heard it too, and has more to end.
    if (replay === undefined || result.run === undefined || interrupts.first.aborted) return result.exitCode;
    const compared = compareRuns(project.root, replay.run.id, result.run);
    writeText(isReserved ? 2 : 1, (replay.caveat ?? "") + renderReplay(compared));
    return result.exitCode === 0 && compared.differs !== undefined ? 1 : result.exitCode;
  } finally {
    interrupts.stop();
  }
}

/** The tasks that are asked for, with the members of groups; all of them when none is. */
async function findCleaned(project: Project, request: BuildRequest | undefined): Promise<readonly Node[]> {
  if (request === undefined) return [...(await outlineGraph(project)).nodes.values()];
  const { graph, state } = await prepare(project, { ...request, mayWrite: false });
  state.close();
  return askedIds(graph).flatMap((id) => graph.nodes.get(id) ?? []);
}

/** What a command line asks for, with what has succeeded in the run that it resumes. @throws BtError RUN_MISSING, RUN_UNREPEATABLE, RUN_DONE, RUN_WORDS */
export function createRequest(
  { options, rest }: Args,
  asked: Asked,
  { project, world, mayWrite, ask }: Pick<Desk, "project" | "world" | "mayWrite" | "ask">,
): BuildRequest {
  const only = parseOnly(options.only);
  return {
    selection: { words: asked.words, tags: options.tags, except: options.except },
    assignments: asked.assignments,
    rest,
    ...(ask === undefined ? {} : { ask }),
    env: world.env,
    isForced: options.flags.has("audit") ? "targets" : options.flags.has("force"),
    ...(options.resume === undefined ? {} : resumeRun(project.root, options.resume, asked)),
    mayWrite,
    keepGoing: options.flags.has("keep-going"),
    ...(only === undefined ? {} : { only }),
  };
}

/** How events are to be shown. Undefined: as it fits. */
function findOutput({ flags, output }: Options, { settings }: Project): Output | undefined {
  if (flags.has("json")) return "json";
  const wish = output ?? settings.output;
  return wish === undefined ? undefined : oneOf("--output", wish, outputs);
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
function checkSettings({ jobs, output, ...settings }: Project["settings"], env: World["env"]): void {
  const file = settingsFiles(env).find((name) => fs.existsSync(name)) ?? "";
  if (jobs !== undefined && !(Number.isInteger(jobs) && jobs > 0))
    throw settingsWrong(file, { kind: "value", name: "jobs", found: `${jobs}`, allowed: "a whole number from 1" });
  for (const name of resources) {
    const limit = settings[name];
    if (limit !== undefined && parseLimit(limit, 1) === undefined)
      throw settingsWrong(file, { kind: "value", name, found: `"${limit}"`, allowed: limitWords });
  }
  if (output !== undefined && !outputs.some((name) => name === output))
    throw settingsWrong(file, {
      kind: "value",
      name: "output",
      found: `"${output}"`,
      allowed: `one of ${outputs.join(", ")}`,
    });
}

async function createReporters(
  options: Options,
  { project, world, jobs }: { project: Project; world: World; jobs: number },
): Promise<Reporter[]> {
  const output = findOutput(options, project);
  const mode = {
    ...(output === undefined ? {} : { output }),
    env: world.env,
    isTTY: process.stdout.isTTY === true,
    jobs,
    quiet: options.flags.has("quiet"),
    verbose: options.flags.has("verbose"),
    dryRun: options.flags.has("dry-run"),
  };
  const held: string[] = [];
  const printer =
    world.make?.outputSync === "recurse" && options.output === "grouped"
      ? (text: string) => void held.push(text)
      : print;
  const write = findMode(mode) === "live" ? (text: string): void => void process.stdout.write(text) : printer;
  const shown = await createReporter({
    ...mode,
    write,
    streams: () => ({ stdout: process.stdout, stderr: process.stderr }),
  });
  const whole: Reporter = {
    event: withReplayed(shown, options.replayLog).event,
    async end() {
      await shown.end?.();
      print(held.join(""));
    },
  };
  const { trace } = options;
  const reporters = [...(await createPageReporters(options, { root: project.root, cwd: world.cwd })), whole];
  if (trace === undefined) return reporters;
  const { createTraceReporter } = await import("../report/trace.ts");
  return [...reporters, createTraceReporter({ save: (text) => saveText(path.resolve(world.cwd, trace), text) })];
}
