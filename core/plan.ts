/** Whether one task is run or skipped, and why. Pure; does not know disk or clock. */
import { diffDocuments, keyOf, type KeyDocument } from "./fingerprint.ts";
import type { FileFact } from "./files.ts";
import type { Reason } from "./reason.ts";
import type { TaskBase } from "./task.ts";

/** What is remembered of the last success. */
export interface Success {
  readonly key: string;
  readonly document: KeyDocument;
  readonly outputs: readonly FileFact[];
}

/** All that the decision depends on, collected before. */
export interface Snapshot {
  readonly task: TaskBase;
  readonly document: KeyDocument;
  /** Absent: no success is known, for this reason. */
  readonly before: Success | { readonly lost: Reason };
  /** What the outputs of the last success hold now. */
  readonly outputs: readonly FileFact[];
  readonly isForced: boolean;
  /** A need that is going to run, when the decision is a forecast. */
  readonly pendingNeed?: string;
}

export type Step =
  | { readonly action: "run"; readonly because: readonly Reason[] }
  /** In a forecast: a need runs first, after which this may still be up to date. */
  | { readonly action: "maybe"; readonly because: readonly Reason[] }
  | { readonly action: "skip"; readonly key: string };

/** Decides. `because` holds every reason, never just the first. */
export function planStep(snapshot: Snapshot): Step {
  const { task, document, before, isForced, pendingNeed } = snapshot;
  if (isForced) return { action: "run", because: [{ kind: "forced" }] };
  if (task.always === true) return { action: "run", because: [{ kind: "always" }] };
  if (task.inputs === undefined) return { action: "run", because: [{ kind: "no-inputs" }] };
  if ("lost" in before) return { action: "run", because: [before.lost] };
  const key = keyOf(document);
  const because = [
    ...(key === before.key ? [] : diffDocuments(before.document, document)),
    ...diffOutputs(before.outputs, snapshot.outputs),
  ];
  if (because.length > 0) return { action: "run", because };
  if (pendingNeed !== undefined) return { action: "maybe", because: [{ kind: "need-runs", need: pendingNeed }] };
  return { action: "skip", key };
}

function diffOutputs(before: readonly FileFact[], now: readonly FileFact[]): Reason[] {
  const found = new Map(now.map((fact) => [fact.path, fact]));
  return before.flatMap(({ path, kind, digest }): Reason[] => {
    const fact = found.get(path);
    if (fact === undefined || fact.kind === "missing") return [{ kind: "output-missing", path }];
    return fact.kind === kind && fact.digest === digest ? [] : [{ kind: "output-edited", path }];
  });
}
