/** Single steps of KIWI on this machine, each in a folder of the recipe's `.dice`. Does not decide whether they are needed. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import type { Bench } from "./bench.ts";
import { lockRecipe } from "./build.ts";
import { buildWords, bundleWords, createWords, infoWords, prepareWords } from "./command.ts";
import { findDescription } from "./description.ts";
import { stepMissing } from "./errors.ts";
import { fillJob, removeJob } from "./job.ts";
import { localPlaces, runKiwi } from "./local.ts";
import type { Order } from "./order.ts";
import { dicePath, makeDice } from "./state.ts";
import type { StepName } from "./step-name.ts";

/** What a step leaves: folders relative to the project root. */
interface Left {
  readonly folder?: string;
}

/** Takes one step. A step replaces what it has left before, and what later steps have made of it. */
export async function takeStep(bench: Bench, order: Order, step: StepName): Promise<Left> {
  await lockRecipe(bench, order);
  makeDice(order.folder);
  const steps = dicePath(order.folder, "steps");
  const { kiwiFile } = order.kiwi;
  const file = await findDescription(order.folder, {
    root: order.root,
    ...(kiwiFile === undefined ? {} : { kiwiFile }),
  });
  // The copy and KIWI's cache may have passwords of repositories in them.
  const forget = (): void => {
    for (const name of ["description", "kiwi.yml", "cache"])
      rmSync(join(steps, name), { recursive: true, force: true });
  };
  forget();
  bench.defer(forget);
  mkdirSync(steps, { recursive: true, mode: 0o700 });
  const places = localPlaces(order, fillJob(order, { id: "steps", folder: steps, descriptionFile: file }));
  const run = (words: readonly string[]): Promise<void> => runKiwi(bench, order, { folder: steps, words });
  const root = join(steps, "root");
  const left = (folder: string): Left => ({ folder: relative(order.root, folder) });
  const need = (path: string, before: StepName): void => {
    if (!existsSync(path))
      throw stepMissing(bench.name, { file: relative(order.root, path), before: `kiwi:${before}` });
  };
  switch (step) {
    case "info":
      await run(infoWords(order, places));
      return {};
    case "prepare":
      for (const folder of [root, places.target, places.bundle]) removeJob(folder);
      await run(prepareWords(order, places, root));
      return left(root);
    case "create":
      need(root, "prepare");
      for (const folder of [places.target, places.bundle]) removeJob(folder);
      await run(createWords(order, places, root));
      return left(places.target);
    case "build":
      for (const folder of [places.target, places.bundle]) removeJob(folder);
      await run(buildWords(order, places));
      return left(places.target);
    case "bundle": {
      need(places.target, "build");
      const staged = `${places.bundle}.new`;
      removeJob(staged);
      await run(bundleWords(order, { ...places, bundle: staged }));
      removeJob(places.bundle);
      renameSync(staged, places.bundle);
      return left(places.bundle);
    }
  }
}
