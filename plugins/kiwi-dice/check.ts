/** What is checked once, before the first task of a run: orders that are about to be carried out, and the environment. */
import { setTimeout as wait } from "node:timers/promises";
import { findHolder, type Graph, type Node } from "../../core/index.ts";
import { recipeLocked, variableUnknown } from "./errors.ts";
import { stepUnsupported } from "./host-errors.ts";
import { showHolder } from "./lock.ts";
import type { Order } from "./order.ts";
import { variables } from "./params.ts";
import { checkOrder } from "./preflight.ts";
import { settleNode } from "./settle.ts";
import type { Setup } from "./setup.ts";
import { dicePath, files } from "./state.ts";

/** Tasks that run KIWI, and so need all that it needs. */
const builders = new Set(["dice-build", "kiwi:prepare", "kiwi:create", "kiwi:build", "kiwi:bundle", "kiwi:info"]);

/** @throws BtError with all that is wrong with the first wrong recipe */
export async function checkRun(graph: Graph, setup: Setup): Promise<void> {
  setup.answers.clear();
  setup.scheduled.clear();
  setup.seen.clear();
  for (const name of Object.keys(process.env).sort())
    if (name.startsWith("DICE_") && process.env[name] !== "" && !variables.includes(name))
      throw variableUnknown(name, variables);
  for (const node of graph.nodes.values()) if (isChecked(node)) await checkNode(node, setup);
}

function isChecked({ plugin, isGroup }: Node): boolean {
  return plugin === "kiwi-dice" && !isGroup;
}

async function checkNode(node: Node, setup: Setup): Promise<void> {
  if (node.name.startsWith("dice-schedule")) return; // There a wrong recipe fails alone.
  const order = settleNode(node, setup, setup.root ?? process.cwd());
  if (!builders.has(node.name)) return;
  const { kind } = order.host;
  if (node.name.startsWith("kiwi:") && kind !== "local") throw stepUnsupported(node.name, kind);
  await checkOrder(order, process.env["PATH"] ?? "");
  await awaitLock(order);
}

/** bt itself makes a task wait for the same task of another bt, for as long as that takes: who wants to wait less hears of it here. */
async function awaitLock({ folder, name, lockTimeoutMs }: Order): Promise<void> {
  const path = dicePath(folder, files.lock);
  for (const deadline = Date.now() + lockTimeoutMs; ;) {
    const holder = findHolder(path);
    if (holder === undefined) return;
    if (Date.now() >= deadline) throw recipeLocked(name, showHolder(holder));
    await wait(100);
  }
}
