/** Carries out a prepared build: slots, signals, the order of things. Does not know how one task is carried out or how any is shown. */
import { setMaxListeners } from "node:events";
import * as os from "node:os";
import { attemptTask, outOfTime } from "./attempt.ts";
import type { Work, Workshop } from "./bench.ts";
import { createCarrier } from "./carry.ts";
import { findCommit, type Commit } from "./commit.ts";
import { isGroupNode, type NodeResult } from "./decide.ts";
import { passedEnvironment } from "./environment.ts";
import { confirmRefused } from "./errors/request.ts";
import { errorStrayed } from "./errors/run.ts";
import type { Counts, EventBody } from "./event.ts";
import type { ProcessTree } from "./exec.ts";
import type { Entry } from "./journal.ts";
import { findForecastHits } from "./hits.ts";
import type { Lasting } from "./lasting.ts";
import { createLedger } from "./ledger.ts";
import { endOrphans } from "./orphans.ts";
import type { Prepared } from "./prepare.ts";
import { bytesOf, resources, type Budget } from "./pools.ts";
import { brokenPool, createShare, lostSlots, type Share, type ShareOptions } from "./share.ts";
import { createSchedule } from "./schedule.ts";
import { renderSize } from "./size.ts";
import { createWorkerPool } from "./worker.ts";

export interface RunOptions {
  /** Id of the run. */
  readonly run: string;
  readonly emit: (event: EventBody) => void;
  readonly overhear?: Workshop["overhear"];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tasks running at the same time. At least 1. */
  readonly jobs: number;
  /** Job slots that a make above has announced, and what is done with them. Absent: all are ours. */
  readonly jobserver?: Pick<ShareOptions, "auth" | "jobsAlone"> & {
    /** Letters for MAKEFLAGS of programs below, besides `k`. */
    readonly letters?: string;
  };
  readonly budget?: Budget;
  readonly keepGoing: boolean;
  readonly failFast: boolean;
  /** No further task starts while the 1-minute load average is above it. */
  readonly loadLimit?: number;
  /** Milliseconds for the whole run. */
  readonly timeoutMs?: number;
  /** Milliseconds between TERM and KILL. */
  readonly graceMs: number;
  /** Aborted with the name of the signal: the run is cancelled. */
  readonly interrupt: AbortSignal;
  /** A dry run may ask caches on other machines. Default: false. */
  readonly mayConnect?: boolean;
  /** Aborted with an error that nothing waited for: the run is cancelled, and fails. */
  readonly strayed: AbortSignal;
  /** Aborted: what still runs is killed at once. */
  readonly kill: AbortSignal;
  /** Undefined: nobody is there to answer. */
  readonly confirm: (question: string) => Promise<boolean | undefined>;
  readonly urgency: (id: string) => number;
  /** Services that stay when the run has ended. Absent: none does. */
  readonly lasting?: Lasting;
  /** Hears what every task came to. */
  readonly keep: (entry: Entry) => void;
}

export interface RunEnd {
  readonly exitCode: number;
  readonly counts: Counts;
  readonly results: ReadonlyMap<string, NodeResult>;
  readonly signal?: string;
  /** Some process was started. */
  readonly hasSpawned: boolean;
}

export interface Run {
  readonly run: () => Promise<RunEnd>;
  /** Tells what would run, in order, and starts nothing. */
  readonly dryRun: () => Promise<RunEnd>;
}

/** From so many commands on, starting shells for them pays. */
const fewCommands = 16;

function isCommand(run: unknown): boolean {
  return typeof run === "string" || Array.isArray(run);
}

export function createRun(prepared: Prepared, options: RunOptions): Run {
  const { project, assembly, graph, order, state, secrets, forecast } = prepared;
  const { hooks } = assembly;
  const ledger = createLedger({ run: options.run, emit: options.emit, hide: secrets.hide });
  const { tell, finish } = ledger;
  const trees = new Set<ProcessTree>();
  const cancel = new AbortController();
  setMaxListeners(0, cancel.signal); // One for each task that runs.
  options.strayed.addEventListener("abort", () => {
    ledger.fail(errorStrayed(options.strayed.reason, project.placeOf));
    cancel.abort("failure");
  });
  const passedEnv = passedEnvironment(options.env);
  const commands = [...forecast.wanted].filter(
    (id) => !forecast.results.has(id) && isCommand(graph.nodes.get(id)?.task.run),
  );
  const pool = commands.length < fewCommands ? undefined : createWorkerPool({ cwd: project.root, env: passedEnv });
  let source: Promise<Commit | undefined> | undefined;
  let barrier: (task: string) => Promise<void> = async () => {};
  let away: Workshop["away"] = (wait) => wait();
  let share: Share | undefined;
  const workshop: Workshop = {
    root: project.root,
    settings: project.settings,
    run: options.run,
    env: options.env,
    passedEnv,
    ...(pool === undefined ? {} : { pool }),
    secrets,
    hooks,
    emit: tell,
    overhear: options.overhear,
    memo: state.memo,
    findSource: () => (source ??= findCommit(project.root, options.env, cancel.signal)),
    barrier: (task) => barrier(task),
    away: (wait) => away(wait),
    handOn: (command, wish) => share?.handOn(command, wish),
    graceMs: options.graceMs,
    isDryRun: false,
    trees,
  };
  const carrier = createCarrier(prepared, {
    ledger,
    workshop,
    cancel: cancel.signal,
    kill: options.kill,
    keep: options.keep,
    ...(options.lasting === undefined ? {} : { lasting: options.lasting }),
  });
  const end = (signal: string | undefined): RunEnd => ({
    ...ledger.close(),
    results: ledger.results,
    ...(signal === undefined ? {} : { signal }),
  });

  const run = async (): Promise<RunEnd> => {
    endOrphans(project.root);
    await carrier.open();
    if (hooks.beforeRun.isUsed()) await hooks.beforeRun.promise(graph, findDue(prepared));
    const stop = (reason: unknown): void => cancel.abort(reason);
    const onInterrupt = (): void => stop(options.interrupt.reason);
    options.interrupt.addEventListener("abort", onInterrupt, { once: true });
    if (options.interrupt.aborted) onInterrupt();
    options.kill.addEventListener("abort", () => trees.forEach((tree) => tree.kill()), { once: true });
    const onTimeout = (): void => {
      const seconds = (options.timeoutMs ?? 0) / 1000;
      tell({ kind: "warning", text: `The run was not done after ${seconds} s, and ends`, fix: "Raise `--timeout`." });
      stop(outOfTime);
    };
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(onTimeout, options.timeoutMs);
    for (const [id, result] of forecast.results) if (!forecast.wanted.has(id)) ledger.results.set(id, result);
    share = openShare(
      options,
      [...forecast.wanted].every((id) => forecast.results.has(id)),
    );
    if (share.isBroken) tell({ kind: "warning", ...brokenPool });
    const closeShare = (): void => void share?.close();
    process.once("exit", closeShare); // However bt ends, nobody else may lose a slot.
    for (const warning of findGreedy(prepared, options)) tell({ kind: "warning", ...warning });
    const schedule = createSchedule(graph, forecast.wanted, {
      jobs: share.jobs,
      slots: share.slots,
      keepGoing: options.keepGoing,
      failFast: options.failFast,
      pools: assembly.settings.pools,
      ...(options.budget === undefined ? {} : { budget: options.budget }),
      urgency: options.urgency,
      hasRoom: () => options.loadLimit === undefined || (os.loadavg()[0] ?? 0) < options.loadLimit,
      start: carrier.start,
      block(node, because) {
        finish(node, cancel.signal.aborted ? "cancelled" : "blocked", because === "" ? {} : { blockedBy: because });
        carrier.services.leave(node.id);
      },
      ready: (node) => tell({ kind: "task-state", task: node.id, state: "ready" }),
      signal: cancel.signal,
      cancel: () => stop("failure"),
    });
    ({ barrier, away } = schedule);
    await schedule.run();
    await carrier.services.close();
    process.off("exit", closeShare);
    const { lost, tasks } = share.close();
    if (lost > 0) tell({ kind: "warning", ...lostSlots(lost, tasks) });
    await carrier.close();
    clearTimeout(timer);
    await pool?.close();
    options.interrupt.removeEventListener("abort", onInterrupt);
    const signal = options.interrupt.aborted ? String(options.interrupt.reason) : undefined;
    if (hooks.afterRun.isUsed()) {
      const { exitCode } = end(signal);
      await hooks.afterRun.promise({ exitCode, targets: graph.targets }).catch(ledger.fail);
    }
    return end(signal);
  };

  const dryRun = async (): Promise<RunEnd> => {
    const { hits, forecast: foreseen } = await findForecastHits(prepared, {
      mayConnect: options.mayConnect === true,
      warn: (text) => tell({ kind: "warning", text }),
    });
    for (const [id, result] of foreseen.results) ledger.results.set(id, result);
    for (const id of order) {
      const node = graph.nodes.get(id);
      const decision = foreseen.decisions.get(id);
      if (node !== undefined && forecast.skipped.has(id) && forecast.wanted.has(id)) finish(node, "skipped");
      else if (node !== undefined && isGroupNode(node) && forecast.wanted.has(id)) finish(node, "group");
      if (node === undefined || decision === undefined || !forecast.wanted.has(id)) continue;
      const hit = hits.get(id);
      if (decision.step.action === "skip") finish(node, "fresh");
      else if (hit !== undefined) finish(node, "restored", { from: hit });
      else await sayTask(carrier.createWork(node, 1, decision));
    }
    return end(undefined);
  };

  const sayTask = async (work: Work): Promise<void> => {
    const { node } = work;
    if (typeof node.task.run === "function" && node.task.dryRun !== "record") {
      tell({ kind: "task-state", task: node.id, state: "running", reasons: work.reasons, attempt: 1, slot: 1 });
      const place = project.placeOf(node.task.site.stack);
      tell({
        kind: "task-output",
        task: node.id,
        stream: "command",
        text:
          place === undefined
            ? `(a function of plugin "${node.plugin ?? "unknown"}")`
            : `(a function at ${place.where}:${place.line})`,
      });
    } else await attemptTask(work, { ...workshop, isDryRun: true });
    finish(node, "ran");
  };

  return { run, dryRun };
}

/** Tasks that are wanted and not up to date, whatever their needs leave. */
function findDue({ forecast: { decisions, wanted } }: Prepared): ReadonlySet<string> {
  return new Set([...decisions].flatMap(([id, { step }]) => (step.action === "run" && wanted.has(id) ? [id] : [])));
}

/** Tasks that may run, and want more of something than there is. */
function findGreedy(
  { graph, forecast }: Prepared,
  { budget = {} }: RunOptions,
): readonly { readonly task: string; readonly text: string; readonly fix: string }[] {
  return [...graph.nodes.values()]
    .filter(({ id }) => forecast.wanted.has(id) && !forecast.results.has(id))
    .flatMap(({ id, task }) =>
      resources.flatMap((name) => {
        const [wanted, there] = [bytesOf(task, name), budget[name] ?? Infinity];
        if (wanted <= there) return [];
        return {
          task: id,
          text: `Task "${id}" wants ${renderSize(wanted)} of ${name}, and there are ${renderSize(there)}: no other that wants ${name} runs beside it`,
          fix: `Lower its \`${name}\`, or raise \`--${name}\` if more is there.`,
        };
      }),
    );
}

/** When nothing will run there is nothing to share. */
function openShare({ jobs, keepGoing, jobserver }: RunOptions, isIdle: boolean): Share {
  const { auth, jobsAlone = jobs, letters = "" } = jobserver ?? {};
  return createShare({
    jobs,
    jobsAlone,
    letters: [...new Set(`${keepGoing ? "k" : ""}${letters}`)].sort().join(""),
    ...(auth === undefined || isIdle ? {} : { auth }),
  });
}

/** Asks for every task that may run and wants to be asked about. @throws BtError CONFIRM_REFUSED */
export async function askFirst({ graph, forecast }: Prepared, confirm: RunOptions["confirm"]): Promise<void> {
  for (const id of forecast.wanted) {
    const node = graph.nodes.get(id);
    const question = node?.task.confirm;
    if (node === undefined || question === undefined || forecast.results.has(id)) continue;
    const values = Object.fromEntries(
      Object.entries(node.params).map(([name, { value }]) => [
        name,
        node.task.params?.[name]?.kind === "secret" ? "***" : String(value),
      ]),
    );
    const text = question.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
    const answer = await confirm(text);
    if (answer !== true) throw confirmRefused(id, text, answer !== undefined);
  }
}
