/** Why the targets would run, or why they are up to date. Runs nothing; does not know past runs. */
import { askedIds } from "../decide.ts";
import { isKept, whyUnkept } from "../cache/keep.ts";
import type { Nearest } from "../cache/nearest.ts";
import { diffDocuments, keyOf, type KeyDocument } from "../fingerprint.ts";
import { findForecastHits, findNearestResults } from "../hits.ts";
import type { Paint } from "../paint.ts";
import type { Prepared } from "../prepare.ts";
import { renderReason } from "../reason.ts";
import { renderWarning } from "../report/failure.ts";
import type { Options } from "./args.ts";
import { print, printJson, writeText } from "./print.ts";

/** The answer for one task. */
export interface Why {
  readonly task: string;
  readonly action: "run" | "maybe" | "skip";
  readonly key: string;
  /** Every reason, as sentences; empty when it is up to date. With "skip": why it would be skipped. */
  readonly reasons: readonly string[];
  /** What the key is made of. */
  readonly leaves: readonly { readonly name: string; readonly value: string }[];
  readonly inputs: readonly { readonly path: string; readonly kind: string; readonly digest: string }[];
  /** The task has a check of its own, which is asked only in a run. */
  readonly hasStatus: boolean;
  /** Cache that has its result: it would be restored instead of run. */
  readonly cached?: string;
  /** Why no cache keeps its results, as a clause. */
  readonly unkept?: string;
  /** It would run although caches keep its results: the kept one that comes nearest, and all that is otherwise now. */
  readonly nearest?: { readonly cache: string; readonly madeMs: number; readonly reasons: readonly string[] };
}

/** Answers `--why`, with `--run` and `--vs` as a comparison. Returns the exit code. @throws BtError RUN_MISSING, RUN_TASK_MISSING */
export async function showWhy(prepared: Prepared, { flags, run, vs }: Options, paint: Paint): Promise<number> {
  const isJson = flags.has("json");
  if (run === undefined && vs === undefined) {
    const warn = (text: string): void => writeText(2, renderWarning({ text }, paint));
    const { hits, forecast } = await findForecastHits(prepared, { mayConnect: flags.has("remote"), warn });
    const foreseen = { ...prepared, forecast };
    const nearest = await findNearestResults(prepared, findMisses(foreseen, hits));
    const tasks = explain(foreseen).map((why) => withCaches(why, foreseen, { hits, nearest }));
    if (isJson) printJson({ version: 1, tasks });
    else print(renderWhy(tasks, paint, { isFull: flags.has("remote") || flags.has("verbose") }));
    return 0;
  }
  const { compareTasks, renderComparison } = await import("./versus.ts");
  const tasks = compareTasks(prepared, run, vs);
  if (isJson) printJson({ version: 1, tasks });
  else print(tasks.map((task) => renderComparison(task, paint)).join(""));
  return 0;
}

/** The targets, with the cells of matrix tasks and the members of groups in their place; then every need that would run. */
export function explain({ graph, order, forecast, secrets }: Prepared): Why[] {
  const asked = new Set(askedIds(graph));
  const runs = order.filter(
    (id) => !asked.has(id) && forecast.wanted.has(id) && forecast.decisions.get(id)?.step.action !== "skip",
  );
  return [...asked, ...runs].flatMap((task): Why[] => {
    if (forecast.skipped.has(task))
      return [
        { task, action: "skip", key: "", reasons: ["its `when` says no"], leaves: [], inputs: [], hasStatus: false },
      ];
    const decision = forecast.decisions.get(task);
    if (decision === undefined) return [];
    const { step, document } = decision;
    const inputs = document.inputs.map(({ path, kind, digest }) => ({ path, kind, digest }));
    const reasons = step.action === "skip" ? [] : step.because.map((reason) => secrets.hide(renderReason(reason)));
    const hasStatus = graph.nodes.get(task)?.task.status !== undefined;
    return [{ task, action: step.action, key: keyOf(document), reasons, leaves: document.leaves, inputs, hasStatus }];
  });
}

/** Tasks whose key is known, that could be restored, and are in no cache. */
function findMisses(
  { graph, forecast }: Prepared,
  hits: ReadonlyMap<string, string>,
): ReadonlyMap<string, KeyDocument> {
  return new Map(
    [...forecast.decisions].flatMap(([id, { step, document, mayTake }]) => {
      const node = graph.nodes.get(id);
      const isMiss = step.action === "run" && mayTake && !hits.has(id) && node !== undefined && isKept(node);
      return isMiss ? [[id, document] as const] : [];
    }),
  );
}

function withCaches(
  why: Why,
  { graph, forecast, secrets }: Prepared,
  found: { readonly hits: ReadonlyMap<string, string>; readonly nearest: ReadonlyMap<string, Nearest> },
): Why {
  const node = graph.nodes.get(why.task);
  const [cached, unkept] = [found.hits.get(why.task), node === undefined ? undefined : whyUnkept(node)];
  const near = found.nearest.get(why.task);
  const document = forecast.decisions.get(why.task)?.document;
  const reasons =
    near === undefined || document === undefined
      ? []
      : diffDocuments(near.document, document).map((reason) => secrets.hide(renderReason(reason)));
  return {
    ...why,
    ...(cached === undefined ? {} : { cached }),
    ...(unkept === undefined ? {} : { unkept }),
    ...(near === undefined ? {} : { nearest: { cache: near.cache, madeMs: near.madeMs, reasons } }),
  };
}

/** @param isFull also says what is known without a question: that no cache keeps a task's results */
export function renderWhy(
  answers: readonly Why[],
  paint: Paint,
  { isFull = false }: { readonly isFull?: boolean } = {},
): string {
  return answers
    .map((why) => {
      const { task, action, key, reasons, leaves, inputs, hasStatus, cached } = why;
      if (action === "skip" && reasons.length > 0)
        return `${paint.strong(task)} would be skipped: ${reasons.join(", ")}\n`;
      if (action !== "skip")
        return `${paint.strong(task)} ${renderAction(action, cached)}, because\n${renderLines(reasons)}${renderMiss(why, isFull)}`;
      const kept = `${renderKept(leaves.length, inputs.length)} unchanged ${paint.dim(`(key ${key.slice(0, 12)})`)}\n`;
      return `${paint.strong(task)} is up to date: ${kept}${hasStatus ? "  a run still asks its status check\n" : ""}`;
    })
    .join("");
}

function renderLines(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}\n`).join("");
}

/** Why it is not restored, unless that has been said: what is otherwise than last time is mostly what is otherwise than in the nearest result. */
function renderMiss({ reasons, cached, unkept, nearest }: Why, isFull: boolean): string {
  if (unkept !== undefined) return isFull ? `no cache keeps its result, because\n  ${unkept}\n` : "";
  if (cached !== undefined || nearest === undefined || nearest.reasons.join("\n") === reasons.join("\n")) return "";
  const made = new Date(nearest.madeMs).toISOString().slice(0, 16).replace("T", " ");
  return `what cache "${nearest.cache}" has of it, from ${made} UTC, is not restored, because\n${renderLines(nearest.reasons)}`;
}

function renderAction(action: Why["action"], cached: string | undefined): string {
  if (cached !== undefined) return `would be restored from cache "${cached}"`;
  return action === "run" ? "would run" : "may run";
}

function renderKept(leaves: number, inputs: number): string {
  if (inputs === 0) return `all its ${leaves} facts are`;
  return `its ${inputs === 1 ? "input" : `${inputs} inputs`} and ${leaves} other facts are`;
}
