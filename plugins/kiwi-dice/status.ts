/** Says what a recipe's status is, in Dice's words. Does not know how it was found. */
import type { Bench } from "./bench.ts";
import type { Order } from "./order.ts";
import type { DiceStatus } from "./recipe.ts";
import { sayStatus } from "./say.ts";
import type { State } from "./state.ts";

/** Exit codes of `--exit-code`. */
export const exitCodes: Readonly<Record<DiceStatus["state"], number>> = {
  UpToDate: 0,
  BuildRequired: 10,
  BuildSystemLocked: 11,
  BuildRunning: 12,
  Unknown: 13,
};

export function showStatus(bench: Pick<Bench, "log">, { name }: Order, status: DiceStatus): void {
  bench.log.info(sayStatus(status));
  if (status.state === "Unknown") bench.log.warn(`Recipe "${name}" may be out of date`);
}

/** For a status without a type or profiles of its own, those of the last build count, as in Dice. */
export function asLastBuilt(order: Order, before: State | undefined): Order {
  if (before === undefined) return order;
  const { asked } = before;
  const { kiwi } = order;
  const type = kiwi.type ?? asked.type;
  const profiles = kiwi.profiles.length > 0 ? kiwi.profiles : asked.profiles;
  return { ...order, kiwi: { ...kiwi, profiles, ...(type === undefined ? {} : { type }) } };
}
