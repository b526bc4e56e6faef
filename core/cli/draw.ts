/** Draws the graph of a request: as text, or as the page that reports of runs have. Runs nothing. */
import { outlineNode } from "../build.ts";
import { isGroupNode } from "../decide.ts";
import type { Prepared } from "../prepare.ts";
import type { PageTask } from "../report/html/model.ts";
import { renderGraph, type graphFormats } from "./graph.ts";
import { explain, type Why } from "./why.ts";

/** Ends in a newline. */
export async function drawGraph(prepared: Prepared, format: (typeof graphFormats)[number]): Promise<string> {
  const { graph, order } = prepared;
  if (format !== "html") return renderGraph(graph, order, format);
  const { renderPlan } = await import("../report/html/report.ts");
  const whys = new Map(explain(prepared).map((why) => [why.task, why]));
  const tasks = order.map((id) => taskOf(prepared, id, whys.get(id)));
  return renderPlan(graph.targets, tasks);
}

function taskOf({ graph, state, forecast }: Prepared, id: string, why: Why | undefined): PageTask {
  const node = graph.nodes.get(id)!; // The order is that of the graph.
  const isDone = forecast.results.has(id);
  const isLeftOut = forecast.skipped.has(id) || (!isDone && !forecast.wanted.has(id));
  const outcome = isGroupNode(node) ? "group" : isLeftOut ? "skipped" : isDone ? "fresh" : undefined;
  return {
    ...outlineNode(graph, state, id),
    state: outcome === undefined ? "waiting" : "done",
    ...(outcome === undefined ? {} : { outcome }),
    reasons: why?.reasons ?? [],
    spans: [],
    commands: [],
    ...(why === undefined || why.key === "" ? {} : { key: why.key, leaves: why.leaves }),
  };
}
