/** One task, once or again: time limit, retries, outputs checked. Does not know other tasks or their order. */
import { createBench, hasConsole, messageOf, type Bench, type Work, type Workshop } from "./bench.ts";
import { commandUnawaited, outputSecret, resultNotJson, resultSecret, taskTimedOut } from "./errors/run.ts";
import { createProcessTree, type ProcessTree } from "./exec.ts";
import type { FileFact } from "./files.ts";
import type { Node } from "./graph.ts";
import type { Finished } from "./hooks.ts";
import { checkOutputs, describeOutputs, dropTouched, prepareOutputs, signOutputs } from "./outputs.ts";
import { toRetries } from "./retries.ts";
import type { Secrets } from "./secrets.ts";
import type { OnLines } from "./strays.ts";
import { commandText } from "./command-line.ts";

export type AttemptEnd =
  | { readonly kind: "done"; readonly finished: Finished; readonly isFlaky: boolean }
  | { readonly kind: "failed" | "timed-out" | "cancelled"; readonly error: unknown };

/** Why a run's signal is aborted when its own time is over. */
export const outOfTime = "timeout";

/** Runs a task until it succeeds, is out of tries, or is cancelled. Never rejects. */
export async function attemptTask(work: Work, workshop: Workshop): Promise<AttemptEnd> {
  const retries = toRetries(work.node.task.retries);
  for (let attempt = 1, delayMs = retries.delayMs; ; attempt++, delayMs *= retries.factor) {
    workshop.emit({
      kind: "task-state",
      task: work.node.id,
      state: "running",
      reasons: work.reasons,
      attempt,
      slot: work.slot,
      ...(hasConsole(work.node) ? { console: true as const } : {}),
    });
    const act = (): Promise<AttemptEnd> => attemptOnce(work, workshop, attempt);
    const say: OnLines = (stream, text) => workshop.emit({ kind: "task-output", task: work.node.id, stream, text });
    const end = await (workshop.overhear === undefined ? act() : workshop.overhear(say, act));
    if (end.kind === "done") return { ...end, isFlaky: attempt > 1 };
    const isWorth =
      (end.kind === "failed" && retries.on.includes("failure")) ||
      (end.kind === "timed-out" && retries.on.includes("timeout"));
    if (!isWorth || attempt > retries.times) return end;
    workshop.emit({
      kind: "warning",
      task: work.node.id,
      text: `Try ${attempt} of ${retries.times + 1} failed: ${workshop.secrets.hide(messageOf(end.error))}`,
    });
    const waitMs = delayMs;
    if (waitMs > 0) await workshop.away(() => pause(waitMs, work.signal));
    if (work.signal.aborted) return { kind: "cancelled", error: work.signal.reason };
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** Whether the user's own check finds the task up to date. */
export async function askStatus(work: Work, workshop: Workshop): Promise<boolean> {
  const { status } = work.node.task;
  if (status === undefined) return true;
  const tree = createProcessTree(`${workshop.run}/${work.node.id}/status`, { graceMs: workshop.graceMs });
  const bench = createBench(work, workshop, { tree, signal: work.signal, attempt: 0 });
  try {
    return await status(bench.context as never); // The context has the types that the task declared.
  } finally {
    await bench.cleanUp(true);
  }
}

/** Whether a command succeeds in the place where the task works; nothing of it is shown. */
export async function askCommand(work: Work, command: string, workshop: Workshop): Promise<boolean> {
  const tree = createProcessTree(`${workshop.run}/${work.node.id}/ready`, { graceMs: workshop.graceMs });
  const bench = createBench(work, { ...workshop, emit: () => {} }, { tree, signal: work.signal, attempt: 0 });
  try {
    await bench.shell.run(command);
    return true;
  } catch {
    return false;
  } finally {
    await bench.cleanUp(true);
  }
}

async function attemptOnce(work: Work, workshop: Workshop, attempt: number): Promise<AttemptEnd> {
  const { node } = work;
  const { root } = workshop;
  const tree = createProcessTree(`${workshop.run}/${node.id}/${attempt}`, { graceMs: workshop.graceMs });
  workshop.trees.add(tree);
  const limit = startLimit(work.signal, node.task.timeoutMs);
  const signed = node.task.clean === "keep" ? signOutputs(root, node) : new Map<string, string>();
  const bench = createBench(work, workshop, { tree, signal: limit.signal, attempt });
  let succeeded = false;
  try {
    limit.signal.throwIfAborted(); // A service that it needs may have ended already.
    if (!workshop.isDryRun) prepareOutputs(root, node, work.inputs);
    const value = await orAbort(act(work, workshop, bench), limit.signal, tree, workshop.graceMs);
    if (workshop.isDryRun) return { kind: "done", finished: { outputs: [], value }, isFlaky: false };
    const outputs: readonly FileFact[] = node.outputs.length === 0 ? [] : describeOutputs(root, node, workshop.memo);
    checkOutputs(root, node, outputs);
    checkNames(node, outputs, workshop.secrets);
    const finished = { outputs, value: toJson(node, value, workshop.secrets) };
    if (workshop.hooks.afterTask.isUsed()) await workshop.hooks.afterTask.promise(work, finished);
    succeeded = true;
    return { kind: "done", finished, isFlaky: false };
  } catch (error) {
    if (limit.hasExpired()) return { kind: "timed-out", error: taskTimedOut(node.id, node.task.timeoutMs ?? 0) };
    if (work.signal.aborted) return { kind: "cancelled", error: work.signal.reason };
    return { kind: "failed", error: bench.shell.explain(error) };
  } finally {
    limit.clear();
    if (!succeeded && !workshop.isDryRun) await tree.stop();
    tree.reopen();
    await bench.cleanUp(succeeded);
    if (!succeeded && !workshop.isDryRun) {
      await tree.stop();
      dropTouched(root, node, signed);
    }
    workshop.trees.delete(tree);
  }
}

/** Aborts with the outer signal, or when the time is up. */
function startLimit(
  outer: AbortSignal,
  timeoutMs: number | undefined,
): { signal: AbortSignal; hasExpired: () => boolean; clear: () => void } {
  const controller = new AbortController();
  let expired = false;
  const follow = (): void => controller.abort(outer.reason);
  outer.addEventListener("abort", follow, { once: true });
  if (outer.aborted) follow();
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => ((expired = true), controller.abort()), timeoutMs);
  const clear = (): void => {
    clearTimeout(timer);
    outer.removeEventListener("abort", follow);
  };
  return { signal: controller.signal, hasExpired: () => expired, clear };
}

/** The action's value; after an abort its processes are ended and it gets the grace to settle, no more. */
async function orAbort<T>(action: Promise<T>, signal: AbortSignal, tree: ProcessTree, graceMs: number): Promise<T> {
  let wake: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    wake = () => void tree.stop().then(() => setTimeout(() => reject(signal.reason), Math.min(graceMs, 200)));
    if (signal.aborted) wake();
    else signal.addEventListener("abort", wake, { once: true });
  });
  action.catch(() => {}); // When the abort wins the race, nobody else waits for it.
  try {
    const value = await Promise.race([action, aborted]);
    if (signal.aborted) throw signal.reason;
    return value;
  } finally {
    signal.removeEventListener("abort", wake);
  }
}

async function act(work: Work, workshop: Workshop, { context, shell, settle }: Bench): Promise<unknown> {
  const { node } = work;
  const { hooks } = workshop;
  if (hooks.beforeTask.isUsed() && !workshop.isDryRun) await hooks.beforeTask.promise(work);
  const ran = hooks.execute.isUsed() && !workshop.isDryRun ? await hooks.execute.promise(work) : undefined;
  if (ran !== undefined) return ran.value;
  const { run } = node.task;
  if (typeof run !== "function") return run === undefined ? undefined : await shell.run(withRest(run, work.rest));
  const value: unknown = await run(context as never); // The context has the types that the task declared.
  const left = await settle();
  if (left.length > 0) throw commandUnawaited(node.id, left);
  return value;
}

function withRest(run: string | readonly string[], rest: readonly string[]): string | readonly string[] {
  if (rest.length === 0) return run;
  return typeof run === "string"
    ? `${run} ${rest.map((word) => commandText({ file: word, args: [] })).join(" ")}`
    : [...run, ...rest];
}

/** What the builderfile itself says is no secret. @throws BtError OUTPUT_SECRET: neither could be remembered, nor what reads them */
function checkNames(node: Node, outputs: readonly FileFact[], secrets: Secrets): void {
  const [declared, made] = [node.outputs.join("\n"), outputs.map(({ path }) => path).join("\n")];
  if (secrets.hide(made) !== made && secrets.hide(declared) === declared) throw outputSecret(node.id);
}

/** @throws BtError RESULT_NOT_JSON, RESULT_SECRET: neither could be remembered */
function toJson(node: Node, value: unknown, secrets: Secrets): unknown {
  if (value === undefined) return undefined;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw resultNotJson(node.id, messageOf(error));
  }
  if (text === undefined) throw resultNotJson(node.id, `it is a ${typeof value}`);
  if (secrets.hide(text) !== text) throw resultSecret(node.id);
  const plain: unknown = JSON.parse(text);
  return plain;
}
