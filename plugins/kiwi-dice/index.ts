/** Contained builds of operating-system images with KIWI, rebuilt when something changed. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, type Node, type Plugin } from "../../core/index.ts";
import { kiwiDiceMarks, type KiwiDiceOptions } from "./recipe.ts";
import type { Setup } from "./setup.ts";
import { makeTasks, type DiceTasks } from "./tasks.ts";

export type {
  BoxHost,
  BuildHost,
  BuildState,
  ContainerHost,
  DiceOptions,
  DiceResult,
  DiceStatus,
  KiwiDiceOptions,
  KiwiOptions,
  KiwiYml,
  Repo,
  ResultFile,
  SshHost,
} from "./recipe.ts";
export type { DiceTasks } from "./tasks.ts";

/** Tasks that build, look after and describe the recipes; `RECIPE=FOLDER` names one that is not declared. */
export function kiwiDice<const N extends string>(options: KiwiDiceOptions<N>): Plugin<DiceTasks<N>> {
  checkOptions("kiwiDice()", options, kiwiDiceMarks);
  const setup: Setup = {
    options,
    logs: new Map(),
    answers: new Map(),
    scheduled: new Map(),
    seen: new Map(),
    steps: new Map(),
  };
  const tasks = makeTasks<N>(setup);
  return definePlugin({
    name: "kiwi-dice",
    tasks,
    apply: (hooks) => {
      const isOurs = ({ plugin }: Node): boolean => plugin === "kiwi-dice";
      hooks.event.tap((event) => {
        if (setup.steps.size > 0) setup.write?.(event);
      });
      hooks.graph.tap(async (graph, tools) =>
        [...graph.nodes.values()].some(isOurs)
          ? (await import("./choose.ts")).chooseCells(graph, tools, { setup, one: tasks["dice-schedule-recipe"] })
          : graph,
      );
      hooks.beforeRun.tap(async (graph) => {
        if ([...graph.nodes.values()].some(isOurs)) await (await import("./check.ts")).checkRun(graph, setup);
      });
      hooks.doctor.tap(async (requirements) => [
        ...requirements,
        ...(await (await import("./doctor.ts")).listRequirements(setup)),
      ]);
    },
  });
}
