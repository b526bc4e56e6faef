/** Why the targets would run, or why they are up to date. Pure; does not know how that was found out. */
import { isGroupNode } from "../decide.ts";
import { keyOf } from "../fingerprint.ts";
import type { Paint } from "../paint.ts";
import type { Prepared } from "../prepare.ts";
import { renderReason } from "../reason.ts";

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
}

/** The targets, with the cells of matrix tasks and the members of groups in their place; then every need that would run. */
export function explain({ graph, order, forecast, secrets }: Prepared): Why[] {
  const asked = new Set(graph.targets);
  for (const id of asked) {
    const node = graph.nodes.get(id);
    if (node !== undefined && isGroupNode(node)) for (const { to } of node.edges) asked.add(to);
  }
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

export function renderWhy(answers: readonly Why[], paint: Paint): string {
  return answers
    .map(({ task, action, key, reasons, leaves, inputs, hasStatus }) => {
      if (action === "skip" && reasons.length > 0)
        return `${paint.strong(task)} would be skipped: ${reasons.join(", ")}\n`;
      if (action !== "skip")
        return `${paint.strong(task)} ${action === "run" ? "would run" : "may run"}, because\n${reasons.map((reason) => `  ${reason}\n`).join("")}`;
      const kept = `${renderKept(leaves.length, inputs.length)} unchanged ${paint.dim(`(key ${key.slice(0, 12)})`)}\n`;
      return `${paint.strong(task)} is up to date: ${kept}${hasStatus ? "  a run still asks its status check\n" : ""}`;
    })
    .join("");
}

function renderKept(leaves: number, inputs: number): string {
  if (inputs === 0) return `all its ${leaves} facts are`;
  return `its ${inputs === 1 ? "input" : `${inputs} inputs`} and ${leaves} other facts are`;
}
