/** The order of one cell: which recipe it is for, and its params. Does not know what is done with it. */
import type { Node } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { settleOrder, type Order } from "./order.ts";
import type { Asked } from "./params.ts";
import { anyRecipe, type Setup } from "./setup.ts";

/** @throws BtError as settleOrder */
export function settle(bench: Pick<Bench, "params" | "cell" | "root">, { options }: Setup): Order {
  const recipe = bench.cell["recipe"];
  return settleOrder({
    root: bench.root,
    ...(recipe === undefined || recipe === anyRecipe ? {} : { name: recipe }),
    options,
    asked: bench.params as Asked, // Params of ours, each with its type.
    env: process.env,
  });
}

/** The order of a node that has not begun. @throws BtError as settleOrder */
export function settleNode({ params, cell }: Node, setup: Setup, root: string): Order {
  const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
  return settle({ params: values, cell, root }, setup);
}
