import { expect, test } from "vitest";
import type { FileFact } from "../../core/files.ts";
import { createDocument, keyOf } from "../../core/fingerprint.ts";
import { planStep, type Snapshot } from "../../core/plan.ts";
import { task } from "../../core/task.ts";

const document = createDocument([{ name: "command", value: "bake" }], [{ path: "flour", kind: "file", digest: "1" }]);
const cake: FileFact = { path: "cake", kind: "file", digest: "c" };
/** A task that is up to date. */
const fresh: Snapshot = {
  task: task({ inputs: ["flour"], outputs: ["cake"], run: "bake" }),
  document,
  before: { key: keyOf(document), document, outputs: [cake] },
  outputs: [cake],
  isForced: false,
};
const reasons = (snapshot: Snapshot): unknown => {
  const step = planStep(snapshot);
  return step.action === "skip" ? "skip" : [step.action, ...step.because.map(({ kind }) => kind)];
};

test("a task with an unchanged key and unchanged outputs is skipped", () => {
  expect(planStep(fresh)).toEqual({ action: "skip", key: keyOf(document) });
});

test("force, always and no inputs decide in this order, before anything else is looked at", () => {
  expect(reasons({ ...fresh, isForced: true, task: task({ always: true, run: "true" }) })).toEqual(["run", "forced"]);
  expect(reasons({ ...fresh, task: task({ always: true, run: "true" }) })).toEqual(["run", "always"]);
  expect(reasons({ ...fresh, task: task({ run: "true" }) })).toEqual(["run", "no-inputs"]);
});

test("a task without a success runs for the reason why there is none", () => {
  expect(reasons({ ...fresh, before: { lost: { kind: "failed-before" } } })).toEqual(["run", "failed-before"]);
});

test("an empty list of inputs is not an absent one", () => {
  expect(reasons({ ...fresh, task: task({ inputs: [], run: "bake" }) })).toBe("skip");
});

test("every reason is given, not only the first", () => {
  const now = createDocument([{ name: "command", value: "fry" }], [{ path: "flour", kind: "file", digest: "2" }]);

  expect(reasons({ ...fresh, document: now, outputs: [{ ...cake, digest: "d" }] })).toEqual([
    "run",
    "code-changed",
    "input-changed",
    "output-edited",
  ]);
});

test.each<[string, readonly FileFact[]]>([
  ["output-missing", []],
  ["output-missing", [{ path: "cake", kind: "missing", digest: "" }]],
  ["output-edited", [{ ...cake, digest: "d" }]],
  ["output-edited", [{ ...cake, kind: "exec" }]],
  ["output-edited", [{ ...cake, kind: "link" }]],
])("outputs are compared by content: %s", (reason, outputs) => {
  expect(reasons({ ...fresh, outputs })).toEqual(["run", reason]);
});

test("what lies beside the outputs does not matter", () => {
  expect(reasons({ ...fresh, outputs: [cake, { path: "crumbs", kind: "file", digest: "1" }] })).toBe("skip");
});

test("in a forecast, a need that will run makes a maybe, but no excuse for other reasons", () => {
  expect(reasons({ ...fresh, pendingNeed: "mix" })).toEqual(["maybe", "need-runs"]);
  expect(reasons({ ...fresh, pendingNeed: "mix", outputs: [] })).toEqual(["run", "output-missing"]);
});
