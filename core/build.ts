/** A whole build in one function: start reading here. Does not know argv or the terminal. */
import * as path from "node:path";
import { describeCall, type Call } from "./call.ts";
import { findCommit } from "./commit.ts";
import { isGroupNode } from "./decide.ts";
import { runningAbove, stackEntry } from "./environment.ts";
import { cycleNested } from "./errors/graph.ts";
import { firstLine, isBtError } from "./errors.ts";
import type { EventBody, Reporter, TaskOutline } from "./event.ts";
import { killByCookie } from "./exec.ts";
import type { Graph } from "./graph.ts";
import { openJournal } from "./journal.ts";
import { remainingTimes, waitsFor } from "./order.ts";
import { bindHooks, type Hooks } from "./hooks.ts";
import type { Project } from "./load.ts";
import { prepare, type BuildRequest, type Prepared } from "./prepare.ts";
import { proveFresh } from "./prove.ts";
import { createRecorder, createRunId } from "./record.ts";
import { askFirst, createRun, type RunEnd, type RunOptions } from "./run.ts";
import type { State } from "./state.ts";
import { watchStrays } from "./strays.ts";

/** How a build is carried out. */
export interface BuildOptions extends Omit<RunOptions, "run" | "emit" | "overhear" | "urgency" | "keep" | "strayed"> {
  readonly isDryRun: boolean;
  /** What actions print by themselves becomes events: standard output is for reporters only. Default: it is printed as it is. */
  readonly reservesOutput?: boolean;
  /** How bt was called, for the record of the run. Absent: it does not say, and git is not asked for the commit. */
  readonly call?: Call;
  readonly reporters: readonly Reporter[];
  /** Canonical form of the command line. Absent: the result is no proof for later runs. */
  readonly proofRequest?: string;
}

export interface BuildResult {
  readonly exitCode: number;
  /** What the targets returned, by id. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Id of the run. Absent: nothing was to do, and nothing is remembered of it. */
  readonly run?: string;
}

/**
 * A build: the request resolved, checked and forecast, then what is needed and not up to date run, remembered and told to the reporters.
 * A failing task does not reject. @throws BtErrors of prepare(); nothing has run then
 */
export async function build(project: Project, request: BuildRequest, options: BuildOptions): Promise<BuildResult> {
  const mayAsk = !options.isDryRun || options.mayConnect === true;
  const prepared = await prepare(project, mayAsk ? { ...request, asking: options.interrupt } : request);
  try {
    return await carryOut(prepared, request, options);
  } finally {
    await prepared.caches?.close();
  }
}

async function carryOut(prepared: Prepared, request: BuildRequest, options: BuildOptions): Promise<BuildResult> {
  const { project, assembly, graph, order, state, forecast } = prepared;
  const { hooks } = assembly;
  if (!options.isDryRun) checkNotRunningAbove(prepared);
  if (!options.isDryRun) await askFirst(prepared, options.confirm);
  const run = createRunId(new Date());
  const startedMs = Date.now();
  const isIdle = [...forecast.wanted].every((id) => forecast.results.has(id));
  const isRecorded = !options.isDryRun && !isIdle;
  const journal = isRecorded ? openJournal(project.root, run) : undefined;
  for (const entry of request.journal?.values() ?? []) journal?.keep(entry); // So that this run can be resumed as well.
  const recorder = isRecorded ? [createOwnRecorder(prepared, { run, request, options })] : [];
  const reporters = [...recorder, ...options.reporters];
  for (const reporter of reporters)
    bindHooks(hooks, recorder.includes(reporter) ? listeners.record : listeners.report).event.tap(reporter.event);
  const { emit, isTelling } = createEmitter(hooks, run);
  emit({
    kind: "run-started",
    targets: graph.targets,
    root: project.root,
    jobs: options.jobs,
    dryRun: options.isDryRun,
  });
  if (state.warning !== undefined)
    emit({
      kind: "warning",
      text: `The state of earlier runs cannot be used: ${state.warning}`,
      fix: "Nothing to do: tasks run once more.",
    });
  const remaining = remainingTimes(graph, order, (id) => state.durationMs(id) ?? 1);
  emit({ kind: "graph-ready", tasks: [...forecast.wanted].map((id) => outlineNode(graph, state, id)) });
  const valuesOf = (results?: RunEnd["results"]): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      graph.targets.flatMap((id) => (results?.get(id)?.value === undefined ? [] : [[id, results.get(id)?.value]])),
    );
  const finish = async (
    end: Pick<RunEnd, "exitCode" | "counts" | "signal"> & Partial<Pick<RunEnd, "results">>,
  ): Promise<void> => {
    state.close();
    journal?.close();
    const record = recorder.length === 0 ? {} : { record: path.join(".bt", "runs", run) };
    emit({
      kind: "run-finished",
      exitCode: end.exitCode,
      counts: end.counts,
      durationMs: Date.now() - startedMs,
      values: valuesOf(end.results),
      ...(end.signal === undefined ? {} : { signal: end.signal }),
      ...record,
    });
    for (const reporter of reporters) await endReporter(reporter, emit, recorder.includes(reporter));
  };
  const strays = watchStrays(prepared.secrets, { warn: (text) => emit({ kind: "warning", text }), isTelling });
  const carry = async (): Promise<RunEnd> => {
    const carried = createRun(prepared, {
      ...options,
      run,
      emit,
      ...(options.reservesOutput === true ? { overhear: strays.overhear } : {}),
      urgency: (id) => remaining.get(id) ?? 0,
      keep: (entry) => journal?.keep(entry),
      strayed: strays.failed,
    });
    try {
      return await (options.isDryRun ? carried.dryRun() : carried.run());
    } finally {
      await new Promise((resolve) => setImmediate(resolve)); // Node tells warnings a moment later.
    }
  };
  const end = await carry().catch(async (error: unknown) => {
    await finish({ exitCode: isBtError(error) ? error.exitCode : 70, counts: {} });
    strays.release();
    throw error;
  });
  if (end.hasSpawned) killByCookie(`${run}/`);
  if (!options.isDryRun) {
    state.sync();
    if (end.exitCode === 0 && options.proofRequest !== undefined)
      await proveFresh(prepared, { request: options.proofRequest, results: end.results });
  }
  await finish(end);
  strays.release();
  return {
    exitCode: strays.failed.aborted ? Math.max(end.exitCode, 1) : end.exitCode,
    values: valuesOf(end.results),
    ...(isRecorded ? { run } : {}),
  };
}

/** The recorder, and git asked meanwhile. */
function createOwnRecorder(
  prepared: Prepared,
  { run, request, options }: { readonly run: string; readonly request: BuildRequest; readonly options: BuildOptions },
): Reporter {
  const stop = new AbortController();
  const found =
    options.call === undefined
      ? Promise.resolve(undefined)
      : findCommit(prepared.project.root, request.env, stop.signal);
  return createRecorder(prepared.project.root, run, {
    facts: describeCall(prepared, request, options.call),
    async commit() {
      const timer = setTimeout(() => stop.abort(), gitPatienceMs);
      return await found.finally(() => clearTimeout(timer));
    },
  });
}

/** How long the end of a run waits for git: much on a busy machine, and what is only slow in a checkout too large for it. Milliseconds. */
const gitPatienceMs = 1000;

/** A task that has started this bt waits for it: to run it here would wait for ever. @throws BtError CYCLE_NESTED */
function checkNotRunningAbove({ project, forecast, decide }: Prepared): void {
  const above = runningAbove(decide.env);
  if (above.length === 0) return;
  const needs = [...forecast.spared.values()].flatMap((spared) => spared.needs);
  for (const id of [...forecast.wanted, ...needs]) {
    const at = above.indexOf(stackEntry(project.root, id));
    if (at !== -1 && !forecast.results.has(id))
      throw cycleNested([...above.slice(at).map((entry) => entry.slice(entry.indexOf("#") + 1)), id]);
  }
}

/** Names of bt's own taps of `event`. */
const listeners: Readonly<Record<"record" | "report", string>> = {
  record: "The record of the run",
  report: "The report",
};

/** A node as listeners know it. */
export function outlineNode(graph: Graph, state: State, id: string): TaskOutline {
  const node = graph.nodes.get(id);
  const expectedMs = state.durationMs(id);
  const { description } = node?.task ?? {};
  return {
    task: id,
    needs: waitsFor(graph, id),
    ...(description === undefined ? {} : { description }),
    ...(node?.cellName === undefined ? {} : { group: node.name }),
    ...(node !== undefined && isGroupNode(node) ? { isGroup: true } : {}),
    ...(expectedMs === undefined ? {} : { expectedMs }),
  };
}

/** The record ends first, so that the reports can still say that it failed. */
async function endReporter(reporter: Reporter, emit: (event: EventBody) => void, isRecord: boolean): Promise<void> {
  try {
    await reporter.end?.();
  } catch (error) {
    const what = isRecord ? `${listeners.record} is not whole` : "A listener failed after the run";
    emit({ kind: "warning", text: `${what}: ${firstLine(error)}` });
  }
}

/** Stamps events and hands them to the taps of `event`; one that fails is left out from then on. */
function createEmitter(
  hooks: Hooks,
  run: string,
): { readonly emit: (event: EventBody) => void; readonly isTelling: () => boolean } {
  let [seq, telling] = [0, 0];
  const emit = (body: EventBody): void => {
    telling++;
    hooks.event.call({ ...body, v: 1 as const, seq: ++seq, atMs: Date.now(), run });
    telling--;
    for (const { plugin, error } of hooks.listenerFailures.splice(0)) {
      emit({
        kind: "warning",
        text: `${Object.values(listeners).includes(plugin) ? plugin : `Plugin "${plugin}"`} failed in its tap of hook "event" and is not called again: ${firstLine(error)}`,
      });
    }
  };
  return { emit, isTelling: () => telling > 0 };
}
