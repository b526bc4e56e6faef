/** Carries out a prepared build: every task through lock, decision, run and memory. Does not know how tasks were picked or how they are shown. */
import * as os from "node:os";
import * as path from "node:path";
import { askStatus, attemptTask, type AttemptEnd, type Work, type Workshop } from "./attempt.ts";
import { collectInputs } from "./collect.ts";
import { decideNode, groupResult, isGroupNode, type Decision, type NodeResult } from "./decide.ts";
import type { BtError } from "./errors.ts";
import { confirmRefused } from "./errors/request.ts";
import type { Counts, EventBody, Outcome } from "./event.ts";
import { killByCookie, type ProcessTree } from "./exec.ts";
import { toBtError, toFailure } from "./failure.ts";
import { keyOf, resultDigest, type KeyDocument } from "./fingerprint.ts";
import type { Node } from "./graph.ts";
import type { CacheProvider, Finished } from "./hooks.ts";
import { acquireLock } from "./lock.ts";
import type { Prepared } from "./prepare.ts";
import { renderReason, type Reason } from "./reason.ts";
import { logPath } from "./record.ts";
import { passedEnvironment } from "./environment.ts";
import { createWorkerPool } from "./worker.ts";
import { createSchedule, type Ended } from "./schedule.ts";
import type { TaskRecord } from "./state.ts";

export interface RunOptions {
  /** Id of the run. */
  readonly run: string;
  readonly emit: (event: EventBody) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tasks running at the same time. At least 1. */
  readonly jobs: number;
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
  /** Aborted: what still runs is killed at once. */
  readonly kill: AbortSignal;
  /** Undefined: nobody is there to answer. */
  readonly confirm: (question: string) => Promise<boolean | undefined>;
  readonly urgency: (id: string) => number;
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
  const { project, assembly, graph, order, state, secrets, decide, forecast } = prepared;
  const { emit } = options;
  const { hooks } = assembly;
  const { root } = project;
  const results = new Map<string, NodeResult>();
  const failures: BtError[] = [];
  const counts: Partial<Record<Outcome, number>> = {};
  const outcomes = new Map<string, Outcome>();
  const said = new Set<string>();
  const stirred = new Set<string>(); // Nodes that ran, and all that came after one.
  const trees = new Set<ProcessTree>();
  const cancel = new AbortController();
  const providers: readonly CacheProvider[] = hooks.cache.isUsed() ? hooks.cache.call([]) : [];
  let hasSpawned = false;
  let barrier: (task: string) => Promise<void> = async () => {};

  const tell = (event: EventBody): void => {
    if (event.kind === "task-output" && event.stream !== "command") said.add(event.task);
    if (event.kind === "task-output" && event.stream === "command") hasSpawned = true;
    emit(event);
  };
  const passedEnv = passedEnvironment(options.env);
  const commands = [...forecast.wanted].filter((id) => !forecast.results.has(id) && isCommand(graph.nodes.get(id)?.task.run));
  const pool = commands.length < fewCommands ? undefined : createWorkerPool(passedEnv);
  const workshop = (isDryRun: boolean): Workshop => ({
    root,
    run: options.run,
    env: options.env,
    passedEnv,
    ...(pool === undefined ? {} : { pool }),
    secrets,
    hooks,
    emit: tell,
    memo: state.memo,
    barrier: (task) => barrier(task),
    graceMs: options.graceMs,
    isDryRun,
    trees,
  });

  /** Says how a task ended, and what the scheduler needs to know of it. */
  const finish = (node: Node, outcome: Outcome, facts: { startedMs?: number; slot?: number; error?: BtError; isFlaky?: boolean; blockedBy?: string } = {}): Ended => {
    const isAllowed = facts.error !== undefined && node.task.allowFailure === true;
    outcomes.set(node.id, outcome);
    if (outcome !== "group") counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (facts.error !== undefined && !isAllowed) failures.push(facts.error);
    tell({
      kind: "task-state",
      task: node.id,
      state: "done",
      outcome,
      durationMs: facts.startedMs === undefined ? 0 : Date.now() - facts.startedMs,
      ...(facts.slot === undefined ? {} : { slot: facts.slot }),
      ...(facts.error === undefined ? {} : { failure: toFailure(facts.error, secrets.hide) }),
      ...(facts.isFlaky === true ? { flaky: true } : {}),
      ...(isAllowed ? { allowed: true } : {}),
      ...(facts.blockedBy === undefined ? {} : { blockedBy: facts.blockedBy }),
      ...(said.has(node.id) ? { log: logPath(options.run, node.id) } : {}),
    });
    if (isAllowed) results.set(node.id, { digest: `failed ${Date.now()}`, value: undefined });
    return { outcome, isAllowed };
  };

  const finishFresh = (node: Node, result: NodeResult, refreshed: TaskRecord | undefined): Ended => {
    if (refreshed !== undefined) state.append(refreshed);
    results.set(node.id, result);
    return finish(node, "fresh");
  };

  const isSkipped = async (node: Node): Promise<boolean> => node.task.when !== undefined && !(await node.task.when({ ...boundOf(node), root } as never)); // The types are the task's own.

  const needsOf = (node: Node): Record<string, unknown> =>
    Object.fromEntries(node.edges.flatMap(({ to, as, kind }) => (kind === "result" ? [[as ?? to, results.get(to)?.value]] : [])));

  /** Whether something has run that this node comes after: then what was forecast may not hold any more. */
  const isStirred = (node: Node): boolean => {
    if (!finals.has(node.id) && !node.edges.some(({ to, kind }) => kind !== "finally" && kind !== "validation" && stirred.has(to))) return false;
    stirred.add(node.id);
    return true;
  };

  const start = async (node: Node, slot: number): Promise<Ended> => {
    try {
      if (isGroupNode(node)) {
        isStirred(node);
        results.set(node.id, groupResult(node, results));
        return finish(node, "group");
      }
      if (await isSkipped(node)) {
        results.set(node.id, { digest: "skipped", value: undefined });
        return finish(node, "skipped");
      }
      const early = isStirred(node) ? undefined : forecast.decisions.get(node.id);
      if (early?.step.action === "skip" && early.result !== undefined && node.task.status === undefined) return finishFresh(node, early.result, early.refreshed);
      return await decideAndRun(node, slot);
    } catch (error) {
      const { aborted, reason } = signalOf(node);
      if (aborted && error === reason) return finish(node, "cancelled", { slot });
      return finish(node, "failed", { slot, error: toBtError(error, node.id, project.placeOf) });
    }
  };

  const decideAndRun = async (node: Node, slot: number): Promise<Ended> => {
    tell({ kind: "task-state", task: node.id, state: "deciding" });
    const lock = await acquireLock(path.join(root, ".bt", "locks"), node.id, signalOf(node));
    try {
      state.refresh();
      const before = state.unendedRun(node.id);
      if (before !== undefined) killByCookie(`${before}/${node.id}/`); // Its bt was killed, and could not end what it had started.
      const decision = await decideNode(node, results, decide);
      const work = createWork(node, slot, decision);
      if (decision.step.action === "skip" && decision.result !== undefined) {
        if (await askStatus(work, workshop(false))) return finishFresh(node, decision.result, decision.refreshed);
        return await runTask({ ...work, reasons: [renderReason({ kind: "status" })] }, decision.document);
      }
      return await runTask(work, decision.document);
    } finally {
      lock.release();
    }
  };

  const createWork = (node: Node, slot: number, { step, document }: Decision): Work => ({
    node,
    key: keyOf(document),
    signal: signalOf(node),
    inputs: document.inputs.map((fact) => fact.path),
    needs: needsOf(node),
    rest: decide.restOf(node),
    outcomes: finals.has(node.id) ? Object.fromEntries([...outcomes].filter(([id]) => finalsOf(id).includes(node.id))) : {},
    ...previousOf(node.id),
    reasons: step.action === "skip" ? [] : step.because.map((reason: Reason) => secrets.hide(renderReason(reason))),
    slot,
  });

  const previousOf = (id: string): { previous?: unknown } => {
    const value = state.find(id)?.value;
    return value === undefined ? {} : { previous: value };
  };

  const finalsOf = (id: string): readonly string[] => (graph.nodes.get(id)?.edges ?? []).flatMap(({ to, kind }) => (kind === "finally" ? [to] : []));
  const finals = new Set([...graph.nodes.keys()].flatMap(finalsOf));
  /** Tasks that run after others run after a cancellation too; only the second signal ends them. */
  const signalOf = (node: Node): AbortSignal => (finals.has(node.id) ? options.kill : cancel.signal);

  const runTask = async (work: Work, document: KeyDocument): Promise<Ended> => {
    const { node, slot } = work;
    stirred.add(node.id);
    const startedMs = Date.now();
    const isRemembered = node.task.inputs !== undefined;
    if (isRemembered) state.append({ id: node.id, gone: "running", run: options.run, ...lastDuration(node.id) });
    const restored = await restore(work);
    if (restored !== undefined) {
      remember(node, document, restored, startedMs);
      return finish(node, "restored", { startedMs, slot });
    }
    const end = await attemptTask(work, workshop(false));
    if (end.kind !== "done") {
      if (isRemembered && end.kind !== "cancelled") state.append({ id: node.id, gone: "failed", durationMs: Date.now() - startedMs });
      return finishFailed(node, end, { startedMs, slot });
    }
    remember(node, document, end.finished, startedMs);
    for (const provider of isRemembered ? providers : []) await provider.store(work, end.finished);
    return finish(node, "ran", { startedMs, slot, isFlaky: end.isFlaky });
  };

  const finishFailed = (node: Node, end: Exclude<AttemptEnd, { kind: "done" }>, facts: { startedMs: number; slot: number }): Ended => {
    if (end.kind === "cancelled") return finish(node, "cancelled", facts);
    return finish(node, end.kind, { ...facts, error: toBtError(end.error, node.id, project.placeOf) });
  };

  const lastDuration = (id: string): { durationMs?: number } => {
    const durationMs = state.durationMs(id);
    return durationMs === undefined ? {} : { durationMs };
  };

  const restore = async (work: Work): Promise<Finished | undefined> => {
    for (const provider of providers) {
      const found = await provider.restore(work);
      if (found !== undefined) return { outputs: [], value: found.value };
    }
    return undefined;
  };

  /** Writes the success down, unless an input changed while the task ran: then nobody knows what the outputs were made of. */
  const remember = (node: Node, document: KeyDocument, { outputs, value }: Finished, startedMs: number): void => {
    const key = keyOf(document);
    results.set(node.id, { digest: resultDigest(key, outputs, value), value });
    const durationMs = Date.now() - startedMs;
    const before = new Map(document.inputs.map((fact) => [fact.path, fact]));
    const inputs = collectInputs(node, root, before);
    if (keyOf({ ...document, inputs }) !== key) {
      tell({ kind: "warning", task: node.id, text: `An input of "${node.id}" changed while it ran; its success is not remembered` });
      state.append({ id: node.id, gone: "changed", durationMs });
      return;
    }
    const append = node.task.inputs === undefined ? state.appendLater : state.append;
    append({ id: node.id, key, document: { ...document, inputs }, outputs, ...(value === undefined ? {} : { value }), durationMs });
  };

  const end = (signal: string | undefined): RunEnd => ({ exitCode: exitCodeOf(failures, counts), counts, results, hasSpawned, ...(signal === undefined ? {} : { signal }) });

  const askFirst = async (): Promise<void> => {
    for (const id of forecast.wanted) {
      const node = graph.nodes.get(id);
      const question = node?.task.confirm;
      if (node === undefined || question === undefined || forecast.results.has(id)) continue;
      const values = Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, node.task.params?.[name]?.kind === "secret" ? "***" : String(value)]));
      const text = question.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
      const answer = await options.confirm(text);
      if (answer !== true) throw confirmRefused(id, text, answer !== undefined);
    }
  };

  const run = async (): Promise<RunEnd> => {
    await askFirst();
    const stop = (reason: unknown): void => cancel.abort(reason);
    const onInterrupt = (): void => stop(options.interrupt.reason);
    options.interrupt.addEventListener("abort", onInterrupt, { once: true });
    if (options.interrupt.aborted) onInterrupt();
    options.kill.addEventListener("abort", () => trees.forEach((tree) => tree.kill()), { once: true });
    const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stop("timeout"), options.timeoutMs);
    for (const [id, result] of forecast.results) if (!forecast.wanted.has(id)) results.set(id, result);
    if (hooks.beforeRun.isUsed()) await hooks.beforeRun.promise(graph);
    const schedule = createSchedule(graph, forecast.wanted, {
      jobs: options.jobs,
      keepGoing: options.keepGoing,
      failFast: options.failFast,
      pools: assembly.settings.pools,
      urgency: options.urgency,
      hasRoom: () => options.loadLimit === undefined || (os.loadavg()[0] ?? 0) < options.loadLimit,
      start,
      block: (node, because) => void finish(node, cancel.signal.aborted ? "cancelled" : "blocked", because === "" ? {} : { blockedBy: because }),
      ready: (node) => tell({ kind: "task-state", task: node.id, state: "ready" }),
      signal: cancel.signal,
      cancel: () => stop("failure"),
    });
    barrier = schedule.barrier;
    await schedule.run();
    clearTimeout(timer);
    pool?.close();
    options.interrupt.removeEventListener("abort", onInterrupt);
    const ended = end(options.interrupt.aborted ? String(options.interrupt.reason) : undefined);
    if (hooks.afterRun.isUsed()) await hooks.afterRun.promise({ exitCode: ended.exitCode, targets: graph.targets });
    return ended;
  };

  const dryRun = async (): Promise<RunEnd> => {
    for (const id of order) {
      const node = graph.nodes.get(id);
      const decision = forecast.decisions.get(id);
      if (node === undefined || decision === undefined || !forecast.wanted.has(id)) continue;
      const work = createWork(node, 1, decision);
      if (decision.step.action === "skip") finish(node, "fresh");
      else await sayTask(work);
    }
    return end(undefined);
  };

  const sayTask = async (work: Work): Promise<void> => {
    const { node } = work;
    if (typeof node.task.run === "function" && node.task.dryRun !== "record") {
      tell({ kind: "task-state", task: node.id, state: "running", reasons: work.reasons, attempt: 1, slot: 1 });
      const place = project.placeOf(node.task.site.stack);
      tell({ kind: "task-output", task: node.id, stream: "command", text: place === undefined ? `(a function of plugin "${node.plugin ?? "unknown"}")` : `(a function at ${place.where}:${place.line})` });
    } else await attemptTask(work, workshop(true));
    finish(node, "ran");
  };

  return { run, dryRun };
}

function boundOf(node: Node): object {
  return { params: Object.fromEntries(Object.entries(node.params).map(([name, { value }]) => [name, value])), cell: node.cell };
}

/** The lowest of the plugins' own codes wins; 1 only if no other applies. */
function exitCodeOf(failures: readonly BtError[], counts: Counts): number {
  const codes = failures.map(({ exitCode }) => exitCode).filter((code) => code >= 3 && code < 64);
  if (codes.length > 0) return Math.min(...codes);
  return failures.length > 0 || (counts.cancelled ?? 0) > 0 || (counts.blocked ?? 0) > 0 ? 1 : 0;
}
