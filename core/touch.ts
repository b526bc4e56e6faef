/** `-t`: remembers tasks as done whose outputs are there, without running them. Does not know who asked for it. */
import { decideNode, groupResult, isGroupNode, skippedResult, type NodeResult } from "./decide.ts";
import { throwAll } from "./errors.ts";
import { touchImpossible } from "./errors/request.ts";
import type { FileFact } from "./files.ts";
import { keyOf, resultDigest } from "./fingerprint.ts";
import type { Node } from "./graph.ts";
import { describeOutputs, findMissingOutput } from "./outputs.ts";
import type { Prepared } from "./prepare.ts";
import type { TaskRecord } from "./state.ts";

/**
 * The targets, and what they need, count as done with what is there now. Returns the ids of the tasks that did not before.
 * @throws BtError or AggregateError of BtErrors TOUCH_IMPOSSIBLE; nothing is remembered then
 */
export async function touchTasks(prepared: Prepared): Promise<readonly string[]> {
  const { graph, order, state, decide, forecast, project } = prepared;
  const { root } = project;
  const results = new Map<string, NodeResult>(forecast.results);
  const records: TaskRecord[] = [];
  const mistakes: unknown[] = [];
  for (const id of order) {
    const node = graph.nodes.get(id)!; // The order is that of the graph.
    if (!forecast.wanted.has(id) || forecast.results.has(id)) continue;
    if (isGroupNode(node)) {
      results.set(id, groupResult(node, results));
      continue;
    }
    if (forecast.skipped.has(id)) {
      results.set(id, skippedResult);
      continue;
    }
    try {
      const outputs = describeOutputs(root, node, decide.memo);
      checkTouchable(node, root, outputs);
      const { document } = await decideNode(node, results, { ...decide, isForced: () => false });
      const before = state.find(id);
      const value = before?.value;
      const key = keyOf(document);
      results.set(id, { digest: resultDigest(key, outputs, value), value });
      records.push({
        id,
        key,
        document,
        outputs,
        durationMs: before?.durationMs ?? 0,
        touched: true,
        ...(value === undefined ? {} : { value }),
      });
    } catch (error) {
      mistakes.push(error);
    }
  }
  throwAll(mistakes);
  for (const record of records) state.append(record);
  state.sync();
  state.close();
  return records.map(({ id }) => id);
}

function checkTouchable(node: Node, root: string, facts: readonly FileFact[]): void {
  const { id, task, outputs } = node;
  if (outputs.length === 0) throw touchImpossible(id, "it has no outputs", task.site);
  if (task.inputs === undefined || task.always === true) throw touchImpossible(id, "it always runs", task.site);
  const missing = findMissingOutput(root, node, facts);
  if (missing !== undefined) throw touchImpossible(id, `its output "${missing}" is not there`, task.site);
}
