/** A graph as Mermaid, Graphviz or data. Pure. */
import type { Graph } from "../graph.ts";

/** Formats of `--graph`; `html` is a page, and drawn elsewhere. */
export const graphFormats = ["mermaid", "dot", "json", "html"] as const;
type GraphFormat = Exclude<(typeof graphFormats)[number], "html">;

/** Ends in a newline; nodes and edges in a fixed order. */
export function renderGraph(graph: Graph, order: readonly string[], format: GraphFormat): string {
  const ids = new Map(order.map((id, at) => [id, `t${at}`]));
  const edges = order.flatMap((from) => (graph.nodes.get(from)?.edges ?? []).map((edge) => ({ from, ...edge })));
  switch (format) {
    case "mermaid": {
      const arrows = { result: "-->", order: "-.->", validation: "-. checks .->", finally: "-. finally .->" } as const;
      const nodes = order.map((id) => `  ${ids.get(id)}["${id.replaceAll('"', "#quot;")}"]`);
      return `${["graph LR", ...nodes, ...edges.map(({ from, to, kind }) => `  ${ids.get(to)} ${arrows[kind]} ${ids.get(from)}`)].join("\n")}\n`;
    }
    case "dot": {
      const quote = (id: string): string => JSON.stringify(id);
      const style = {
        result: "",
        order: " [style=dashed]",
        validation: ' [style=dashed, label="checks"]',
        finally: ' [style=dashed, label="finally"]',
      } as const;
      return `${["digraph bt {", "  rankdir=LR;", ...order.map((id) => `  ${quote(id)};`), ...edges.map(({ from, to, kind }) => `  ${quote(to)} -> ${quote(from)}${style[kind]};`), "}"].join("\n")}\n`;
    }
    case "json":
      return `${JSON.stringify({ version: 1, targets: graph.targets, tasks: order.map((id) => taskData(graph, id)) }, undefined, 2)}\n`;
  }
}

function taskData(graph: Graph, id: string): object {
  const node = graph.nodes.get(id);
  return {
    id,
    task: node?.name,
    description: node?.task.description,
    cell: node?.cell,
    isGroup: node?.isGroup,
    inputs: node?.inputs,
    outputs: node?.outputs,
    needs: node?.edges,
  };
}
