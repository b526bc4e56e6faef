/** Who still wants to know about which nodes, while it turns out that some cannot be told. Pure; does not know what is asked about them. */
import type { Graph } from "./graph.ts";

export interface Demand {
  /** Whether nothing depends on the node's answer any more. */
  readonly isOver: (id: string) => boolean;
  /** The node cannot be told: neither can those that need it, and nobody asks for what only they need. */
  readonly end: (id: string) => void;
}

/** Among these nodes, those that were asked for are wanted for themselves, the others for those that need them. */
export function createDemand(graph: Graph, among: ReadonlySet<string>, asked: ReadonlySet<string>): Demand {
  const needsOf = (id: string): readonly string[] => [
    ...new Set((graph.nodes.get(id)?.edges ?? []).map(({ to }) => to).filter((to) => among.has(to))),
  ];
  const users = new Map<string, string[]>([...among].map((id) => [id, []]));
  for (const id of among) for (const need of needsOf(id)) users.get(need)?.push(id);
  const open = new Map([...users].map(([id, { length }]) => [id, length + (asked.has(id) ? 1 : 0)]));
  const over = new Set<string>();
  return {
    isOver: (id) => over.has(id),
    end(first) {
      const queue = [first];
      for (const id of queue) {
        if (over.has(id)) continue;
        over.add(id);
        queue.push(...(users.get(id) ?? []));
        for (const need of needsOf(id)) {
          const left = (open.get(need) ?? 0) - 1;
          open.set(need, left);
          if (left === 0) queue.push(need);
        }
      }
    },
  };
}
