/** Carries one task of a run through lock, decision, run and memory. Does not know which task comes next. */
import * as path from "node:path";
import { askCommand, askStatus, attemptTask, outOfTime, type AttemptEnd } from "./attempt.ts";
import type { Work, Workshop } from "./bench.ts";
import { collectInputs } from "./collect.ts";
import {
  decideNode,
  groupResult,
  isAsKnown,
  isGroupNode,
  isSkipped,
  serviceResult,
  skippedResult,
  type Decision,
  type NodeResult,
  type Spared,
} from "./decide.ts";
import { killByCookie } from "./exec.ts";
import { isBtError } from "./errors.ts";
import { taskTimedOut } from "./errors/run.ts";
import { toBtError } from "./failure.ts";
import { fileNameOf } from "./files.ts";
import { keyOf, resultDigest, type KeyDocument } from "./fingerprint.ts";
import type { Node } from "./graph.ts";
import type { Finished } from "./hooks.ts";
import type { Entry } from "./journal.ts";
import { createKept } from "./kept.ts";
import { lastingWorkshop, type Lasting } from "./lasting.ts";
import type { Ledger } from "./ledger.ts";
import { finalHelpers } from "./order.ts";
import { acquireLock, tryLock } from "./lock.ts";
import { claimProcesses } from "./orphans.ts";
import type { Prepared } from "./prepare.ts";
import { renderReason, type Reason } from "./reason.ts";
import type { Ended, Postponed } from "./schedule.ts";
import { createServices, type Services } from "./service.ts";
import { createSparing } from "./spared.ts";
import { viewDisk, type View } from "./view.ts";

export interface CarryOptions {
  readonly ledger: Ledger;
  readonly workshop: Workshop;
  /** Ends the ordinary tasks. */
  readonly cancel: AbortSignal;
  /** Ends also those that run after others. */
  readonly kill: AbortSignal;
  /** Hears what every task came to. */
  readonly keep: (entry: Entry) => void;
  /** Services that stay when the run has ended. Absent: none does. */
  readonly lasting?: Lasting;
}

export interface Carrier {
  /** Skips, restores or runs one node whose needs are done. Never rejects. */
  readonly start: (node: Node, slot: number) => Promise<Ended | Postponed>;
  readonly services: Services;
  /** What is handed to the action of a node. */
  readonly createWork: (node: Node, slot: number, decision: Decision) => Work;
  /** Ends what is over, and lets plugins say which caches there are. */
  readonly open: () => Promise<void>;
  /** Waits until what is to be kept is kept. */
  readonly close: () => Promise<void>;
}

export function createCarrier(prepared: Prepared, options: CarryOptions): Carrier {
  const { ledger, workshop, cancel, kill, keep, lasting } = options;
  const serviceWorkshop = lasting === undefined ? workshop : lastingWorkshop(workshop, lasting);
  const { project, graph, state, secrets, decide, forecast } = prepared;
  const { root } = project;
  const { results, outcomes, tell, finish } = ledger;
  const kept = createKept(prepared, { workshop, tell, signal: cancel });
  const stirred = new Set<string>(); // Nodes that ran, and all that came after one.
  const sparing = createSparing(forecast.spared);
  const finalsOf = (id: string): readonly string[] =>
    (graph.nodes.get(id)?.edges ?? []).flatMap(({ to, kind }) => (kind === "finally" ? [to] : []));
  const finals = new Set([...graph.nodes.keys()].flatMap(finalsOf));
  const helpers = finalHelpers(graph);

  /** Tasks that run after others run after a cancellation too, with what they need; only the second signal ends them. */
  const signalOf = (node: Node): AbortSignal =>
    finals.has(node.id) || (cancel.aborted && helpers.has(node.id)) ? kill : cancel;

  const createWork = (node: Node, slot: number, { step, document }: Decision): Work => ({
    node,
    key: keyOf(document),
    signal: signalOf(node),
    inputs: document.inputs.map((fact) => fact.path),
    needs: Object.fromEntries(
      node.edges.flatMap(({ to, as, kind }) => (kind === "result" ? [[as ?? to, results.get(to)?.value]] : [])),
    ),
    rest: decide.restOf(node),
    outcomes: finals.has(node.id)
      ? Object.fromEntries([...outcomes].filter(([id]) => finalsOf(id).includes(node.id)))
      : {},
    ...(state.find(node.id)?.value === undefined ? {} : { previous: state.find(node.id)?.value }),
    reasons: step.action === "skip" ? [] : step.because.map((reason: Reason) => secrets.hide(renderReason(reason))),
    slot,
  });

  const finishFresh = (node: Node, result: NodeResult, { document, refreshed }: Decision): Ended => {
    if (refreshed !== undefined) state.append(refreshed);
    results.set(node.id, result);
    return finish(node, "fresh", { key: keyOf(document) });
  };

  /** Whether something has run that this node comes after: then what was forecast may not hold any more. */
  const isStirred = (node: Node): boolean => {
    if (
      !finals.has(node.id) &&
      !node.edges.some(({ to, kind }) => kind !== "finally" && kind !== "validation" && stirred.has(to))
    )
      return false;
    stirred.add(node.id);
    return true;
  };

  const start = async (node: Node, slot: number): Promise<Ended | Postponed> => {
    if (services.isService(node.id)) return await registerService(node);
    const ended = await startTask(node, slot);
    services.leave(node.id);
    return ended;
  };

  /** What it needs is done; it starts when somebody really needs it. */
  const registerService = async (node: Node): Promise<Ended> => {
    isStirred(node);
    results.set(node.id, serviceResult(await decideNode(node, results, decide)));
    return { outcome: "group" };
  };

  const startTask = async (node: Node, slot: number): Promise<Ended | Postponed> => {
    const postponed = sparing.isWrong() ? sparing.postpone(node.id) : undefined;
    if (postponed !== undefined) return postponed;
    try {
      if (isGroupNode(node)) {
        isStirred(node);
        results.set(node.id, groupResult(node, results));
        return finish(node, "group");
      }
      if (forecast.skipped.has(node.id) || (await isSkipped(node, root))) {
        results.set(node.id, skippedResult);
        return finish(node, "skipped");
      }
      const early = isStirred(node) ? undefined : forecast.decisions.get(node.id);
      if (early?.step.action === "skip" && early.result !== undefined && node.task.status === undefined)
        return finishFresh(node, early.result, early);
      return await decideAndRun(node, slot);
    } catch (error) {
      const { aborted, reason } = signalOf(node);
      if (aborted && error === reason) return finish(node, "cancelled", { slot });
      return finish(node, "failed", { slot, error: toBtError(error, node.id, project.placeOf) });
    }
  };

  const decideAndRun = async (node: Node, slot: number): Promise<Ended | Postponed> => {
    tell({ kind: "task-state", task: node.id, state: "deciding" });
    const file = path.join(root, ".bt", "locks", fileNameOf(node.id));
    signalOf(node).throwIfAborted();
    // Who waits for another bt holds no slot meanwhile.
    const taken = tryLock(file);
    const lock = "release" in taken ? taken : await workshop.away(() => acquireLock(file, { signal: signalOf(node) }));
    try {
      state.refresh();
      const before = state.unendedRun(node.id);
      if (before !== undefined) killByCookie(`${before}/${node.id}/`); // Its bt was killed, and could not end what it had started.
      const spared = sparing.find(node.id);
      const decision = await decideNode(node, spared?.results ?? results, { ...decide, view: spared?.view });
      const work = createWork(node, slot, decision);
      if (decision.step.action === "skip" && decision.result !== undefined) {
        if (await askStatus(work, workshop)) return finishFresh(node, decision.result, decision);
        return await runTask({ ...work, reasons: [renderReason({ kind: "status" })] }, { ...decision, mayTake: false });
      }
      return await runTask(work, decision, spared);
    } finally {
      lock.release();
    }
  };

  const runTask = async (work: Work, decision: Decision, spared?: Spared): Promise<Ended | Postponed> => {
    const { document } = decision;
    const { node, slot, key } = work;
    stirred.add(node.id);
    const startedMs = Date.now();
    const isRemembered = node.task.inputs !== undefined;
    const forget = (): void =>
      state.append({ id: node.id, gone: "running", run: workshop.run, ...lastDuration(node.id) });
    const restored = await kept.restore(work, decision, forget);
    signalOf(node).throwIfAborted();
    if (restored !== undefined) {
      remember(node, document, restored.finished, { ...restored, ...spared });
      return finish(node, "restored", { startedMs, slot, key, from: restored.from });
    }
    const postponed = sparing.postpone(node.id);
    if (postponed !== undefined) return postponed;
    const down = await services.ready(node, slot, work.signal);
    if (down !== undefined) return finish(node, "blocked", { blockedBy: down });
    if (isRemembered) forget();
    const end = await attemptTask({ ...work, signal: services.signalOf(node, work.signal) }, workshop);
    if (end.kind !== "done") {
      if (isRemembered && end.kind !== "cancelled")
        state.append({ id: node.id, gone: "failed", durationMs: Date.now() - startedMs });
      keep({ task: node.id, key, document, outputs: [] });
      return finishFailed(node, end, { startedMs, slot, key });
    }
    const durationMs = Date.now() - startedMs;
    const isSure = remember(node, document, end.finished, { durationMs });
    if (isSure) await kept.keep(work, decision, { ...end.finished, durationMs });
    return finish(node, "ran", { startedMs, slot, key, isFlaky: end.isFlaky });
  };

  const finishFailed = (
    node: Node,
    end: Exclude<AttemptEnd, { kind: "done" }>,
    facts: { startedMs: number; slot: number; key: string },
  ): Ended => {
    const isOwnFault = end.kind === "cancelled" && isBtError(end.error); // A service that it needs has ended.
    if (end.kind === "cancelled" && end.error === outOfTime)
      return finish(node, "timed-out", { ...facts, error: taskTimedOut(node.id) });
    if (end.kind === "cancelled" && !isOwnFault) return finish(node, "cancelled", facts);
    return finish(node, isOwnFault ? "failed" : end.kind, {
      ...facts,
      error: toBtError(end.error, node.id, project.placeOf),
    });
  };

  const lastDuration = (id: string): { durationMs?: number } => {
    const durationMs = state.durationMs(id);
    return durationMs === undefined ? {} : { durationMs };
  };

  /** Writes the success down, unless an input changed while the task ran: then nobody knows what the outputs were made of. */
  const remember = (
    node: Node,
    document: KeyDocument,
    { outputs, value }: Finished,
    { durationMs, view }: { readonly durationMs: number; readonly view?: View },
  ): boolean => {
    const key = keyOf(document);
    const result = resultDigest(key, outputs, value);
    results.set(node.id, { digest: result, value });
    keep({ task: node.id, key, document, result, outputs, value });
    const before = new Map(document.inputs.map((fact) => [fact.path, fact]));
    const inputs = collectInputs(node, view ?? viewDisk(root, before));
    if (keyOf({ ...document, inputs }) !== key) {
      tell({
        kind: "warning",
        task: node.id,
        text: `An input of "${node.id}" changed while it ran; its success is not remembered`,
      });
      state.append({ id: node.id, gone: "changed", durationMs });
      return false;
    }
    if (node.task.inputs === undefined && isAsKnown(state.find(node.id), { digest: result, durationMs })) return true;
    const append = node.task.inputs === undefined ? state.appendLater : state.append;
    append({
      id: node.id,
      key,
      document: { ...document, inputs },
      outputs,
      ...(value === undefined ? {} : { value }),
      durationMs,
    });
    return true;
  };

  const services = createServices({
    graph,
    wanted: forecast.wanted,
    ...(lasting === undefined ? {} : { lasting }),
    keyOf: (id) => results.get(id)?.digest ?? "",
    operate: (node, slot) => ({
      async attempt(signal, hear) {
        const decision = await decideNode(node, results, decide);
        const work = createWork(node, slot, { ...decision, step: { action: "run", because: [{ kind: "service" }] } });
        const end = await attemptTask(
          { ...work, signal: AbortSignal.any([lasting?.killed ?? kill, signal]) },
          { ...serviceWorkshop, emit: hear },
        );
        return end.kind === "done" ? {} : { cause: end.error };
      },
      ask: (command, signal) =>
        askCommand({ ...createWork(node, 1, forecast.decisions.get(node.id)!), signal }, command, serviceWorkshop),
    }),
    claim: () => claimProcesses(root, workshop.run),
    tell,
    ended: (node, { how, startedMs, error }) =>
      void finish(node, error !== undefined ? "failed" : outcomeOf[how], {
        ...(startedMs === undefined ? {} : { startedMs }),
        ...(error === undefined ? {} : { error }),
      }),
  });

  const open = async (): Promise<void> => {
    await services.open();
    await kept.open();
  };
  return { start, createWork, services, open, close: kept.close };
}

const outcomeOf = { ran: "ran", unused: "skipped", kept: "fresh" } as const;
