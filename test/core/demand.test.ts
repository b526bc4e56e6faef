/** Who is still worth asking about, when some cannot be told. */
import { expect, test } from "vitest";
import { createDemand } from "../../core/demand.ts";
import { graphFrom } from "./rig.ts";

const graph = graphFrom({
  flour: [],
  salt: [],
  water: [],
  dough: ["flour", "salt"],
  soup: ["salt", "water"],
  lunch: ["dough", "soup"],
  supper: ["soup"],
});
const all = [...graph.nodes.keys()];

test.each([
  ["flour", ["lunch", "supper"], ["flour", "dough", "lunch"]],
  ["flour", ["lunch"], ["flour", "dough", "lunch", "salt", "soup", "water"]],
  ["flour", ["lunch", "salt"], ["flour", "dough", "lunch", "soup", "water"]],
  ["lunch", ["lunch", "supper"], ["lunch", "dough", "flour"]],
])("without %s, of those asked for %s, nobody wants to know about %s", (gone, asked, over) => {
  const among = all.filter((id) => id !== "supper" || asked.includes(id));
  const demand = createDemand(graph, new Set(among), new Set(asked));

  demand.end(gone);

  expect(all.filter(demand.isOver).sort()).toEqual([...over].sort());
});
