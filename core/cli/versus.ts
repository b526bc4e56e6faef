/** What tasks had otherwise in one run than in another, or than now, and how they ended. Reads records of runs; runs nothing. */
import * as fs from "node:fs";
import { askedIds, isGroupNode } from "../decide.ts";
import { runMissing, runTaskMissing } from "../errors/past.ts";
import { compareDocuments, keyOf, type Difference } from "../fingerprint.ts";
import { findJournal, type Entry } from "../journal.ts";
import type { Paint } from "../paint.ts";
import { entriesOf, runId } from "../past.ts";
import type { Prepared } from "../prepare.ts";
import { findRun, type RecordedTask } from "../record.ts";
import { listRuns } from "../runs.ts";
import { renderDifferences } from "./again.ts";

/** A task at a time. */
interface Moment {
  /** Run or file, or `now`. */
  readonly of: string;
  readonly key: string;
}

/** One task at two times. */
interface Comparison {
  readonly task: string;
  /** Absent: nothing of before is kept. */
  readonly before?: Moment;
  /** Absent: the task came to nothing in the run that is asked about. */
  readonly now?: Moment;
  /** How it ended in the run that is asked about, and why it ran. */
  readonly ended?: Pick<RecordedTask, "outcome" | "reasons" | "blockedBy">;
  /** Needs that ran in that run and left what they had left before, though the task was up to date. */
  readonly cutOff?: readonly string[];
  /** Empty exactly when the keys are equal, or there are no two of them. */
  readonly differences: readonly Difference[];
}

/**
 * `run` against `vs`; without `vs` against the run before it that had the task, without `run` against how things are now.
 * @throws BtError RUN_MISSING, RUN_TASK_MISSING when none of the targets was in such a run
 */
export function compareTasks(prepared: Prepared, run: string | undefined, vs: string | undefined): Comparison[] {
  const { root } = prepared.project;
  const [asked, other] = [run, vs].map((name) => (name === undefined ? undefined : runId(root, name)));
  const { graph, forecast } = prepared;
  const find = createFinder(prepared);
  const findBefore = (task: string): (Moment & { readonly entry: Entry }) | undefined => {
    const candidates = other === undefined ? listRuns(root).filter((id) => id < (asked ?? "")) : [other];
    for (const of of candidates) {
      const entry = find(of, task);
      if (entry !== undefined) return { of, key: entry.key, entry };
    }
    return undefined;
  };
  const tasks = askedIds(graph).filter((id) => !isGroupNode(graph.nodes.get(id)!)); // Asked ids are of the graph.
  const compared = tasks.map((task): Comparison => {
    const record = asked === undefined ? undefined : findRun(root, asked)?.tasks;
    const document = asked === undefined ? forecast.decisions.get(task)?.document : find(asked, task)?.document;
    const before = findBefore(task);
    const differences =
      before === undefined || document === undefined ? [] : compareDocuments(before.entry.document, document);
    const ended = record?.[task];
    const cutOff =
      ended?.outcome === "fresh"
        ? (graph.nodes.get(task)?.edges ?? []).filter(
            ({ to, kind }) => kind === "result" && record?.[to]?.outcome === "ran",
          )
        : [];
    return {
      task,
      ...(before === undefined ? {} : { before: { of: before.of, key: before.key } }),
      ...(document === undefined ? {} : { now: { of: asked ?? "now", key: keyOf(document) } }),
      ...(ended === undefined ? {} : { ended: endOf(ended) }),
      ...(cutOff.length === 0 ? {} : { cutOff: cutOff.map(({ to }) => to) }),
      differences,
    };
  });
  const [first] = compared;
  if (first !== undefined && !compared.some(isKnown))
    throw runTaskMissing(asked !== undefined && first.ended === undefined ? asked : (other ?? ""), first.task);
  return compared;
}

/** Whether there is something to tell of the task. */
function isKnown({ before, now, ended }: Comparison): boolean {
  return (before !== undefined && now !== undefined) || ended !== undefined;
}

/** Finds what a task came to in a run or in a journal; each is read once. */
function createFinder({ project: { root }, state }: Prepared): (of: string, task: string) => Entry | undefined {
  const read = new Map<string, ReadonlyMap<string, Entry>>();
  const load = (of: string): ReadonlyMap<string, Entry> => {
    if (findRun(root, of) !== undefined) return entriesOf(root, of);
    const journal = fs.existsSync(of) ? findJournal(of) : undefined;
    if (journal === undefined) throw runMissing(of, listRuns(root));
    return journal;
  };
  return (of, task) => {
    const entries = read.get(of) ?? load(of);
    read.set(of, entries);
    const last = state.find(task);
    const isLast = last !== undefined && last.key === findRun(root, of)?.tasks[task]?.key;
    return entries.get(task) ?? (isLast ? { ...last, task } : undefined);
  };
}

function endOf({ outcome, reasons, blockedBy }: RecordedTask): NonNullable<Comparison["ended"]> {
  return {
    ...(outcome === undefined ? {} : { outcome }),
    ...(reasons === undefined ? {} : { reasons }),
    ...(blockedBy === undefined ? {} : { blockedBy }),
  };
}

export function renderComparison(comparison: Comparison, paint: Paint): string {
  const { task, before, now, ended, cutOff = [], differences } = comparison;
  const name = paint.strong(task);
  if (!isKnown(comparison)) return `${name}: nothing is remembered of it\n`;
  if (before === undefined || now === undefined) return `${name} ${renderEnd(ended)}`;
  const head = `${name} in ${before.of} → ${now.of === "now" ? "now" : `in ${now.of}`}`;
  if (differences.length > 0) return `${head}\n${renderDifferences(differences)}`;
  const same = `${head}: the same ${paint.dim(`(key ${now.key.slice(0, 12)})`)}\n`;
  const cut = cutOff.map((need) => `  "${need}" ran, and left what it had left before\n`);
  const ran = ended?.outcome === "fresh" ? [] : (ended?.reasons ?? []).map((reason) => `  it ran: ${reason}\n`);
  return [same, ...cut, ...ran].join("");
}

/** A task that nothing earlier can be compared with, or that came to nothing. */
function renderEnd({ outcome, reasons = [], blockedBy }: NonNullable<Comparison["ended"]> = {}): string {
  if (blockedBy !== undefined) return `did not run, because\n  "${blockedBy}" did not succeed\n`;
  if (reasons.length === 0) return `${outcome === undefined ? "did not end" : `was ${outcome}`} then\n`;
  return `ran then, because\n${reasons.map((reason) => `  ${reason}\n`).join("")}  and nothing earlier is kept\n`;
}
