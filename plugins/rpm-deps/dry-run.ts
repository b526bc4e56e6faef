/** What a run would do, from the files on this machine alone. Starts, fetches and writes nothing. */
import * as path from "node:path";
import { rpmtreeArgs, fetchArgs, type Backend } from "./backend.ts";
import type { Desk } from "./desk.ts";
import { planCalls } from "./in-place.ts";
import { findPin } from "./pins.ts";
import { listsOf } from "./solve.ts";

/** Says the commands of the chosen launcher with the pins as they are written, where they would run, and the files. */
export async function sayPlan(desk: Desk, backend: Backend): Promise<void> {
  const { task } = desk;
  const written = (key: string): string | undefined => {
    const [tree = "", name = ""] = key.split(" ");
    const found = desk.trees.find((one) => one.name === tree);
    const pin = found?.packages.find((wanted) => wanted.name === name)?.pin;
    const evr = pin === undefined || found === undefined ? "" : (findPin(desk.pins, pin, found.stream)?.evr ?? "");
    return evr === "" ? undefined : evr;
  };
  const run = async (command: readonly string[]): Promise<unknown> =>
    await task.exec(command[0] ?? "", command.slice(1));
  if (backend.launcher === "bazel") {
    for (const { command } of planCalls(desk, backend, written)) await run(command);
  } else {
    for (const stream of desk.streams) {
      const repofiles = listsOf(desk, stream).map(({ file }) => file);
      const nobest = desk.options.nobest ?? true;
      await run([...backend.prefix, ...fetchArgs(repofiles)]);
      for (const tree of desk.trees.filter((one) => one.stream === stream))
        await run([
          ...backend.prefix,
          ...rpmtreeArgs(tree, repofiles, { nobest, versions: (name) => written(`${tree.name} ${name}`) }),
        ]);
    }
    await run([...backend.prefix, "prune"]);
    task.log.info(`each in a folder of its own below ${path.relative(task.root, desk.folder)}/stage`);
  }
  task.log.info(`would write ${desk.workspace} and ${desk.buildfile}`);
}
