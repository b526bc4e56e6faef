/** Puts together what is remembered and what is there, and asks the plan: for every task before a run, and for one task in it. Does not run anything. */
import { collectDocument, type CollectOptions } from "./collect.ts";
import type { Versions } from "./evidence.ts";
import { hashText, type FileFact } from "./files.ts";
import { keyOf, resultDigest, type KeyDocument } from "./fingerprint.ts";
import type { Graph, Node } from "./graph.ts";
import type { Entry } from "./journal.ts";
import { waitsFor } from "./order.ts";
import { describeOutputs } from "./outputs.ts";
import { outputPath } from "./paths.ts";
import { planStep, type Step } from "./plan.ts";
import type { State, TaskRecord } from "./state.ts";
import type { View } from "./view.ts";

/** What a node left for those that need it. */
export interface NodeResult {
  /** Part of dependents' keys. */
  readonly digest: string;
  readonly value: unknown;
}

export interface Decision {
  readonly step: Step;
  readonly document: KeyDocument;
  /** Whether nothing that the result depends on is missing from the key. */
  readonly isKeyWhole: boolean;
  /** Whether a result made elsewhere under the same key would do: the key says all, and nobody wants the task to run. */
  readonly mayTake: boolean;
  /** What the node has left, when it is skipped. */
  readonly result?: NodeResult;
  /** The same success with newer stamps of its files, when it is skipped and they differ. */
  readonly refreshed?: TaskRecord;
}

export interface DecideOptions extends Omit<CollectOptions, "needs" | "rest" | "versions"> {
  readonly state: State;
  readonly isForced: (node: Node) => boolean;
  readonly restOf: (node: Node) => readonly string[];
  /** What the nodes came to in the run that is resumed. Absent: none is. */
  readonly journal?: ReadonlyMap<string, Entry>;
  /** What the node's `versions` say, as far as it is known. */
  readonly versionsOf: (node: Node) => Promise<Versions>;
}

/** Whether a node has nothing to do but to wait for others. */
export function isGroupNode(node: Node): boolean {
  return node.isGroup || node.task.run === undefined;
}

/** The targets, and the cells and members of those that are groups. */
export function askedIds({ targets, nodes }: Graph): readonly string[] {
  const asked = new Set(targets);
  for (const id of asked) {
    const node = nodes.get(id);
    if (node !== undefined && isGroupNode(node)) for (const { to } of node.edges) asked.add(to);
  }
  return [...asked];
}

/** Whether a node is a service of others; one that was asked for by name runs like other tasks. */
export function isServiceNode({ targets }: Graph, { id, task }: Node): boolean {
  return task.service === true && !targets.includes(id);
}

/** What a service is to those that need it: what it was started with. */
export function serviceResult({ document }: Pick<Decision, "document">): NodeResult {
  return { digest: keyOf(document), value: undefined };
}

/** What a group leaves: the results of the nodes behind it. */
export function groupResult(node: Node, results: ReadonlyMap<string, NodeResult>): NodeResult {
  const parts = node.edges
    .filter(({ kind }) => kind === "result")
    .map(({ to, as }) => [as ?? to, results.get(to)] as const);
  const value = node.isGroup ? Object.fromEntries(parts.map(([as, result]) => [as, result?.value])) : undefined;
  return { digest: hashText(parts.map(([as, result]) => `${as} ${result?.digest ?? "none"}`).join("\n")), value };
}

function recordResult(record: TaskRecord): NodeResult {
  return { digest: resultDigest(record.key, record.outputs, record.value), value: record.value };
}

/** Whether a task that runs every time came to what is known of it, and took about as long: then the log need not grow. */
export function isAsKnown(
  known: TaskRecord | undefined,
  now: { readonly digest: string; readonly durationMs: number },
): boolean {
  if (known === undefined || recordResult(known).digest !== now.digest) return false;
  const [shorter = 0, longer = 0] = [known.durationMs, now.durationMs].sort((a, b) => a - b);
  return longer < 1000 || longer < 2 * shorter;
}

/** Decides about one node. `results` has what its needs left; a need that is not in it is still to run. */
export async function decideNode(
  node: Node,
  results: ReadonlyMap<string, NodeResult>,
  options: DecideOptions,
): Promise<Decision> {
  const { state, root, hooks } = options;
  const needs: Record<string, string> = {};
  const record = state.find(node.id);
  let pendingNeed: string | undefined;
  for (const { to, kind } of node.edges) {
    if (kind !== "result") continue;
    const result = results.get(to);
    if (result === undefined) pendingNeed ??= to;
    // What a pending need left last time is still what it may leave now.
    needs[to] = result?.digest ?? record?.document.leaves.find(({ name }) => name === `need/${to}`)?.value ?? "none";
  }
  const answers = node.task.versions === undefined ? undefined : Object.entries(await options.versionsOf(node));
  const versions = answers === undefined ? {} : knownVersions(answers, record);
  const document = await collectDocument(node, { ...options, needs, versions, rest: options.restOf(node) });
  const hasUnknownCode = typeof node.task.run === "function" && options.codeOf(node.task.site) === undefined;
  const outputs = record === undefined || record.outputs.length === 0 ? [] : describeOutputs(root, node, options.memo);
  const planned = planStep({
    task: hasUnknownCode ? { ...node.task, always: true } : node.task,
    document,
    before: record ?? { lost: state.whyGone(node.id) },
    outputs,
    isForced: options.isForced(node),
    ...(pendingNeed === undefined ? {} : { pendingNeed }),
  });
  const step = hooks.plan.isUsed() ? hooks.plan.call(planned, node) : planned;
  const isKeyWhole = !hasUnknownCode && (answers === undefined || isAnswered(answers));
  const mayTake = isKeyWhole && step === planned && pendingNeed === undefined && !isWished(step);
  const resumed =
    step.action === "run" && pendingNeed === undefined && !hasUnknownCode
      ? findResumed(node, document, options)
      : undefined;
  if (resumed?.result !== undefined)
    return {
      step: { action: "skip", key: resumed.key },
      document,
      isKeyWhole,
      mayTake,
      result: { digest: resumed.result, value: resumed.value },
    };
  if (step.action !== "skip" || record === undefined) return { step, document, isKeyWhole, mayTake };
  const known = new Set(record.outputs.map((fact) => fact.path));
  const refreshed = { ...record, document, outputs: outputs.filter((fact) => known.has(fact.path)) };
  const isStale =
    !hasSameStamps(record.document.inputs, document.inputs) || !hasSameStamps(record.outputs, refreshed.outputs);
  return { step, document, isKeyWhole, mayTake, result: recordResult(record), ...(isStale ? { refreshed } : {}) };
}

/** Whether somebody wants the task to run, whatever there is. */
function isWished(step: Step): boolean {
  return step.action !== "skip" && step.because.some(({ kind }) => kind === "forced" || kind === "always");
}

/** The node's success in the run that is resumed, if its key is the same and its outputs are as it left them. */
function findResumed(node: Node, document: KeyDocument, { journal, root, memo }: DecideOptions): Entry | undefined {
  const entry = journal?.get(node.id);
  if (entry?.result === undefined || entry.key !== keyOf(document)) return undefined;
  const now = new Map(describeOutputs(root, node, memo).map((fact) => [fact.path, fact]));
  const isThere = entry.outputs.every(
    ({ path, kind, digest }) => now.get(path)?.kind === kind && now.get(path)?.digest === digest,
  );
  return isThere ? entry : undefined;
}

type Answers = readonly (readonly [name: string, version: string | undefined])[];

function isAnswered(answers: Answers): boolean {
  return answers.length > 0 && answers.every(([, version]) => version !== undefined);
}

/** What cannot be told now counts as it was last time. */
function knownVersions(now: Answers, record: TaskRecord | undefined): Readonly<Record<string, string>> {
  const last = (record?.document.leaves ?? []).flatMap(({ name, value }) =>
    name.startsWith("version/") ? [[name.slice("version/".length), value] as const] : [],
  );
  const known = Object.fromEntries(last);
  if (now.length === 0) return known;
  return Object.fromEntries(now.flatMap(([name, value = known[name]]) => (value === undefined ? [] : [[name, value]])));
}

function hasSameStamps(before: readonly FileFact[], now: readonly FileFact[]): boolean {
  return before.length === now.length && now.every((fact, at) => fact.signature === before[at]?.signature);
}

/** What would happen to every node, and the nodes that somebody still needs. */
export interface Forecast {
  readonly decisions: ReadonlyMap<string, Decision>;
  /** Results of all nodes that are up to date. */
  readonly results: ReadonlyMap<string, NodeResult>;
  /** Targets, and all that the ones among them that are not up to date need. */
  readonly wanted: ReadonlySet<string>;
  /** Nodes whose `when` says no, as far as it can be asked before anything runs. */
  readonly skipped: ReadonlySet<string>;
  /** Wanted nodes whose needs are left out: they are up to date, or to be restored, without them. */
  readonly spared: ReadonlyMap<string, Spared>;
}

/** How a node is looked at while what it needs is not there. */
export interface Spared {
  /** Files as they would be if all that it needs was restored. */
  readonly view: View;
  /** What its needs would have left. */
  readonly results: ReadonlyMap<string, NodeResult>;
  /** What comes first when it cannot be restored after all. */
  readonly needs: readonly string[];
  /** What of the cache was believed; absolute paths. */
  readonly entries: readonly string[];
}

/** What a node leaves whose `when` says no. */
export const skippedResult: NodeResult = { digest: "skipped", value: undefined };

/** Whether the node's own `when` says no. Whatever it throws passes through. */
export async function isSkipped({ task, params, cell }: Node, root: string): Promise<boolean> {
  if (task.when === undefined) return false;
  const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
  return !(await task.when({ params: values, cell, root } as never)); // The types are the task's own.
}

/** Decides about all nodes before any of them runs. */
export async function createForecast(
  graph: Graph,
  order: readonly string[],
  options: DecideOptions & { readonly onlyTargets: boolean },
): Promise<Forecast> {
  const decisions = new Map<string, Decision>();
  const results = new Map<string, NodeResult>();
  const skipped = new Set<string>();
  for (const id of order) {
    const node = graph.nodes.get(id)!; // The order is that of the graph.
    if (isGroupNode(node)) {
      const isDone = node.edges.every(({ to, kind }) => kind !== "result" || results.has(to));
      if (isDone) results.set(id, groupResult(node, results));
      continue;
    }
    // One that throws is asked again when it is the task's turn, and fails it.
    if (
      waitsFor(graph, id).every((to) => results.has(to)) &&
      (await isSkipped(node, options.root).catch(() => false))
    ) {
      skipped.add(id);
      results.set(id, skippedResult);
      continue;
    }
    const pending = node.edges.filter(
      ({ to, kind }) => kind !== "finally" && kind !== "validation" && !results.has(to),
    );
    const decision = softenStep(
      await decideNode(node, results, options),
      pending.flatMap(({ to }) => outputsOf(graph, to).map((path) => ({ path, need: to }))),
    );
    decisions.set(id, decision);
    if (decision.result !== undefined) results.set(id, decision.result);
    else if (isServiceNode(graph, node) && pending.length === 0) results.set(id, serviceResult(decision));
  }
  return { decisions, results, wanted: findWanted(graph, results, options.onlyTargets), skipped, spared: new Map() };
}

function outputsOf(graph: Graph, id: string): readonly string[] {
  const node = graph.nodes.get(id);
  if (node === undefined) return [];
  return isGroupNode(node) ? node.edges.flatMap(({ to }) => outputsOf(graph, to)) : node.outputs;
}

/** What a need is going to make anew may turn out as it was: inputs among that are no reason yet. */
function softenStep(decision: Decision, made: readonly { readonly path: string; readonly need: string }[]): Decision {
  const { step } = decision;
  if (step.action !== "run" || made.length === 0) return decision;
  const makerOf = (file: string): string | undefined =>
    made
      .map(({ path, need }) => ({ ...outputPath(path), need }))
      .find(({ path, isFolder }) => file === path || (isFolder && file.startsWith(`${path}/`)))?.need;
  const needs = step.because.map((reason) =>
    reason.kind === "input-changed" || reason.kind === "input-new" || reason.kind === "input-gone"
      ? makerOf(reason.path)
      : undefined,
  );
  const [need] = needs;
  if (need === undefined || needs.includes(undefined)) return decision;
  return { ...decision, step: { action: "maybe", because: [{ kind: "need-runs", need }] } };
}

/** Below a node that is up to date nobody needs anything. */
function findWanted(graph: Graph, results: ReadonlyMap<string, NodeResult>, onlyTargets: boolean): ReadonlySet<string> {
  const wanted = new Set(graph.targets);
  for (const id of wanted) {
    const node = graph.nodes.get(id);
    if (node === undefined || (results.has(id) && !isGroupNode(node) && !isServiceNode(graph, node))) continue;
    for (const { to } of node.edges) if (!onlyTargets || node.isGroup) wanted.add(to);
  }
  return wanted;
}
