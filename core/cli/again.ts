/** Past runs asked for again: continued where they stopped, or repeated to see whether they still give the same. Does not run anything. */
import type { Assignment } from "../assign.ts";
import { repeatCall } from "../call.ts";
import { findCommit, type Commit } from "../commit.ts";
import { runDone, runMoved, runWords } from "../errors/past.ts";
import { compareDocuments, type Difference } from "../fingerprint.ts";
import type { Outcome } from "../event.ts";
import type { Entry } from "../journal.ts";
import { entriesOf, findPastRun, journalOf, type PastRun } from "../past.ts";
import type { BuildRequest } from "../prepare.ts";
import { findRun, type RunRecord } from "../record.ts";
import type { Versions } from "../evidence.ts";
import type { Asked } from "./args.ts";

/** What makes a request one for a past run. */
export type Again = Pick<BuildRequest, "selection" | "rest" | "assignments"> &
  Partial<Pick<BuildRequest, "journal" | "pins" | "isForced">>;

/**
 * A run that failed or was interrupted, with what has succeeded in it.
 * @param name an id or `last`
 * @throws BtError RUN_MISSING, RUN_UNREPEATABLE, RUN_DONE, RUN_WORDS
 */
export function resumeRun(root: string, name: string, asked: Asked): Again {
  const run = findPastRun(root, name);
  if (run.exitCode === 0) throw runDone(run.id);
  return { ...repeat(run, "--resume", asked), journal: journalOf(root, run.id) };
}

/**
 * A run once more from the beginning, at the same commit and with the same versions.
 * @throws BtError RUN_MISSING, RUN_UNREPEATABLE, RUN_MOVED, RUN_WORDS
 */
export async function replayRun(
  root: string,
  name: string,
  asked: Asked,
  env: BuildRequest["env"],
): Promise<Again & { readonly run: PastRun; readonly caveat?: string }> {
  const run = findPastRun(root, name);
  const { commit } = run;
  const now = commit === undefined ? undefined : await findCommit(root, env, AbortSignal.timeout(10_000));
  if (commit !== undefined && commit.id !== now?.id) throw runMoved(run.id, commit.id, now?.id);
  const pins = new Map([...entriesOf(root, run.id)].map(([task, entry]) => [task, versionsOf(entry)]));
  const caveat = findCaveat(run, now);
  return {
    ...repeat(run, "--replay", asked),
    isForced: true,
    pins,
    run,
    ...(caveat === undefined ? {} : { caveat }),
  };
}

/** Why the files may not be those of the run, a line. Undefined: git knows of no difference. */
function findCaveat({ id, commit }: PastRun, now: Commit | undefined): string | undefined {
  if (commit === undefined)
    return `The commit of run ${id} is not known: this replay has the files as they are here now\n`;
  if (commit.isDirty)
    return now?.isDirty === true
      ? `Run ${id} had changes that were not committed: this replay has of them what is still in this folder\n`
      : `Run ${id} had changes that were not committed: they are not in this replay\n`;
  return now?.isDirty === true
    ? `This folder has changes that are not committed, and run ${id} had none: they are in this replay\n`
    : undefined;
}

function repeat(run: PastRun, option: string, asked: Asked): Again {
  if (asked.words.length > 0) throw runWords(option, asked.words);
  const again = repeatCall(run);
  return { ...again, assignments: [...again.assignments, ...asked.assignments.filter(isAddition(again.assignments))] };
}

/** Secrets are not remembered, and come with the command line. */
function isAddition(known: readonly Assignment[]): (one: Assignment) => boolean {
  return (one) => !known.some(({ name, task }) => name === one.name && (one.task ?? task) === task);
}

function versionsOf({ document }: Entry): Versions {
  return Object.fromEntries(
    document.leaves.flatMap(({ name, value }) =>
      name.startsWith("version/") ? [[name.slice("version/".length), value]] : [],
    ),
  );
}

/** How a repeated run came out. */
export interface Replay {
  /** Id of the first run. */
  readonly of: string;
  /** Tasks that ran in both. */
  readonly compared: number;
  /** The first task with another result, in the order in which they ended. Absent: all are the same. */
  readonly differs?: {
    readonly task: string;
    /** One of them failed. */
    readonly outcomes?: { readonly before: Outcome; readonly now: Outcome };
    /** Outputs that are not the same, sorted. */
    readonly outputs: readonly string[];
    readonly hasOtherValue: boolean;
    /** What its result depends on, and was not the same. Empty: it is not reproducible. */
    readonly because: readonly Difference[];
  };
}

/** Compares what the tasks of two runs came to. */
export function compareRuns(root: string, of: string, now: string): Replay {
  const before = entriesOf(root, of);
  const outcomesOf = (run: string): RunRecord["tasks"] => findRun(root, run)?.tasks ?? {};
  const [then, today] = [outcomesOf(of), outcomesOf(now)];
  const pairs = [...journalOf(root, now).values()].flatMap((entry) => {
    const other = before.get(entry.task);
    if (other === undefined || !isOver(other, then) || !isOver(entry, today)) return [];
    return [{ a: other, b: entry }];
  });
  const first = pairs.find(({ a, b }) => a.result !== b.result);
  if (first === undefined) return { of, compared: pairs.length };
  const { a, b } = first;
  return {
    of,
    compared: pairs.length,
    differs: {
      task: b.task,
      ...(a.result !== undefined && b.result !== undefined
        ? {}
        : { outcomes: { before: then[b.task]?.outcome ?? "failed", now: today[b.task]?.outcome ?? "failed" } }),
      outputs: differingOutputs(a, b),
      hasOtherValue: JSON.stringify(a.value) !== JSON.stringify(b.value),
      because: compareDocuments(a.document, b.document),
    },
  };
}

/** Whether the task succeeded or failed: one that was interrupted came to nothing that could be compared. */
function isOver({ task, result }: Entry, tasks: RunRecord["tasks"]): boolean {
  const outcome = tasks[task]?.outcome;
  return result !== undefined || outcome === "failed" || outcome === "timed-out";
}

function differingOutputs(a: Entry, b: Entry): string[] {
  const facts = (entry: Entry): ReadonlyMap<string, string> =>
    new Map(entry.outputs.map(({ path, kind, digest }) => [path, `${kind} ${digest}`]));
  const [before, now] = [facts(a), facts(b)];
  return [...new Set([...before.keys(), ...now.keys()])].filter((path) => before.get(path) !== now.get(path)).sort();
}

export function renderReplay({ of, compared, differs }: Replay): string {
  if (differs === undefined) return `The same as in run ${of}: ${compared === 1 ? "1 task" : `${compared} tasks`}\n`;
  const { task, outcomes, outputs, hasOtherValue, because } = differs;
  const parts =
    outcomes === undefined
      ? [...outputs, ...(hasOtherValue ? ["what it returned"] : [])]
      : [`${renderOutcome(outcomes.before)} then, ${renderOutcome(outcomes.now)} now`];
  const what = parts.map((part) => `  ${part}\n`).join("");
  const why =
    because.length === 0
      ? "  all that it depends on was the same: it is not reproducible\n"
      : renderDifferences(because, "  because of ");
  return `"${task}" is the first task that came out otherwise than in run ${of}:\n${what}${why}`;
}

function renderOutcome(outcome: Outcome): string {
  return outcome === "failed" || outcome === "timed-out" ? outcome : "succeeded";
}

/** A line for each; long digests are cut. */
export function renderDifferences(differences: readonly Difference[], lead = "  "): string {
  return differences
    .map(({ name, before, now }) => `${lead}${name}: ${cut(before) ?? "(absent)"} → ${cut(now) ?? "(absent)"}\n`)
    .join("");
}

function cut(value: string | undefined): string | undefined {
  return value?.replaceAll(/\b[0-9a-f]{64}\b/g, (digest) => digest.slice(0, 12));
}
