/** `tar2files` rules for the libraries of a tree, made by the solver from the tree's own rpms. Direct launcher only. */
import * as path from "node:path";
import type { Backend } from "./backend.ts";
import { callSolver } from "./call.ts";
import type { Desk } from "./desk.ts";
import type { SolvedTree } from "./merge.ts";
import { fetchRpms } from "./rpms.ts";
import { stagedFiles, type Stage } from "./stage.ts";

/** Downloads what is not in the cache, packs it into one archive a tree, and lets the solver look inside. */
export async function makeLibraries(
  desk: Desk,
  backend: Backend,
  { stage, trees }: { readonly stage: Stage; readonly trees: readonly SolvedTree[] },
): Promise<void> {
  const { folder, env } = stage;
  for (const tree of desk.trees) {
    const solved = trees.find(({ name }) => name === tree.name);
    if (tree.ldd.length === 0 || solved === undefined) continue;
    const files = await fetchRpms(desk, solved.rpms);
    const archive = path.join(folder, `${tree.name}.tar`);
    const links = Object.entries(tree.attributes.symlinks ?? {}).flatMap(([from, to]) => [
      "--symlinks",
      `${from}=${to}`,
    ]);
    const call = { cwd: folder, env, about: `the libraries of ${tree.name}` };
    const inputs = files.flatMap((file) => ["-i", file]);
    await callSolver(desk.task, {
      ...call,
      command: [...backend.prefix, "rpm2tar", "-o", archive, ...links, ...inputs],
    });
    for (const { rule, libs } of tree.ldd) {
      const options = ["-i", archive, "--name", rule, "--rpmtree", `:${tree.name}`, "-b", stagedFiles.buildfile];
      await callSolver(desk.task, { ...call, command: [...backend.prefix, "ldd", ...options, ...libs] });
    }
  }
}
