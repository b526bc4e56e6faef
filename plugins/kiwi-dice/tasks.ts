/** The tasks of the plugin, each with one cell a recipe. Describes; the work is loaded when a task runs. */
import { task, type Evidence, type ParamSet, type Surveyed, type Task } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import {
  buildParams,
  cleanupParams,
  hostParams,
  logParams,
  scheduleParams,
  statusParams,
  stepParams,
  whichParams,
} from "./params.ts";
import type { DiceResult, DiceStatus } from "./recipe.ts";
import { anyRecipe, type Setup } from "./setup.ts";
import { sayBuilt, sayStatus } from "./say.ts";
import type { StepName } from "./step-name.ts";
import type * as Work from "./work.ts";

type Recipes<R, N extends string> = Task<R, ParamSet, N>;

/** Tasks of `kiwiDice`, each with one cell a recipe. */
export type DiceTasks<N extends string> = Readonly<
  Record<"dice-build", Recipes<DiceResult, N>> &
    Record<"dice-status", Recipes<DiceStatus, N>> &
    Record<"dice-buildlog" | "dice-history" | "dice-shell" | "dice-cleanup", Recipes<unknown, N>> &
    Record<`kiwi:${"prepare" | "create" | "build" | "bundle" | "info" | "doctor"}`, Recipes<unknown, N>> &
    Record<"dice-schedule" | "dice-schedule-recipe", Task<void, ParamSet>>
>;

/** Where engines, Vagrant and libvirt are told what to talk to. */
const env = [
  ...["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"],
  ...["CONTAINER_HOST", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF"],
  ...["VAGRANT_HOME", "LIBVIRT_DEFAULT_URI"],
];

/** What only some tasks say of themselves. */
interface More<R> {
  readonly pool?: string;
  readonly evidence?: (bound: Surveyed) => Promise<readonly Evidence[] | undefined>;
  readonly says?: (value: R) => string;
}

/** Tasks for these recipes, and one cell more for any folder. */
export function makeTasks<N extends string>(setup: Setup): DiceTasks<N> {
  const recipe = [...Object.keys(setup.options.recipes), anyRecipe] as readonly string[] as readonly N[]; // The last one is for folders, and in no type.
  type Act<R> = (work: typeof Work, bench: Bench) => Promise<R>;
  const each = <R>(description: string, params: ParamSet, act: Act<R>, more: More<R> = {}): Recipes<R, N> =>
    task({
      description,
      matrix: { recipe },
      params: { ...whichParams, ...params },
      env,
      ...more,
      run: async (context) => await act(await import("./work.ts"), context),
    }) as Recipes<R, N>; // One axis, so its values are the cells.
  /** What the task's cells have seen tells whether they would see anything else now. */
  const answering = <R>(name: string, says: (value: R) => string): More<R> => ({
    says,
    evidence: async ({ cell }) =>
      (await import("./evidence.ts")).findEvidence(setup.seen.get(`${name}:${cell["recipe"]}`)),
  });
  const step = (name: StepName, description: string): Recipes<unknown, N> =>
    each(description, stepParams, (work, bench) => work.runStep(bench, setup, name));
  return {
    "dice-build": each(
      "Builds a recipe if that is required",
      buildParams,
      (work, bench) => work.runBuild(bench, setup),
      answering("dice-build", sayBuilt),
    ),
    "dice-status": each(
      "Says whether a build is required",
      statusParams,
      (work, bench) => work.runStatus(bench, setup),
      answering("dice-status", sayStatus),
    ),
    "dice-schedule": task({
      description: "Builds every recipe of a folder that requires it",
      params: scheduleParams,
      run: async (context) => (await import("./schedule.ts")).reportSchedule(context, setup),
    }),
    "dice-schedule-recipe": task({
      description: "Builds one recipe of a folder",
      private: true,
      allowFailure: true,
      params: { ...whichParams, ...buildParams },
      env,
      run: async (context) => (await import("./schedule.ts")).runScheduled(context, setup),
    }),
    "dice-buildlog": each("Prints the log, and follows a build", logParams, (work, bench) => work.runLog(bench, setup)),
    "dice-history": each("Lists the builds of a recipe", {}, (work, bench) => work.runHistory(bench, setup)),
    "dice-shell": each("Opens a shell on the build host", hostParams, (work, bench) => work.runShell(bench, setup), {
      pool: "console",
    }),
    "dice-cleanup": each("Removes what was left", cleanupParams, (work, bench) => work.runCleanup(bench, setup)),
    "kiwi:prepare": step("prepare", "Unpacks an image into a folder"),
    "kiwi:create": step("create", "Makes the image of what was unpacked"),
    "kiwi:build": step("build", "Makes an image, and nothing else"),
    "kiwi:bundle": step("bundle", "Renames and checksums what was made"),
    "kiwi:info": step("info", "Says what a description means to KIWI"),
    "kiwi:doctor": each("Says what keeps a recipe from being built", buildParams, (work, bench) =>
      work.runDoctor(bench, setup),
    ),
  };
}
