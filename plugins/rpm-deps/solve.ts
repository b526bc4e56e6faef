/** Solves trees in folders of their own, several at a time, and keeps what is done. Does not write the project's files. */
import { rmSync, statSync } from "node:fs";
import * as path from "node:path";
import { checkBackend, fetchArgs, rpmtreeArgs, type Backend } from "./backend.ts";
import { callSolver } from "./call.ts";
import { takeSnapshot, throwFindings } from "./check-task.ts";
import type { Findings } from "./check.ts";
import type { Desk } from "./desk.ts";
import { explainTree } from "./explain.ts";
import { inTurn } from "./in-turn.ts";
import type { SolvedTree } from "./merge.ts";
import type { RepositoryList } from "./repofile.ts";
import { metadataMoves } from "./repository-errors.ts";
import { findChanged, isFor, type Snapshot } from "./snapshot.ts";
import { applyBases, checkSolved, findKept, keepSolved, readSolved } from "./solved.ts";
import { createStage, type Stage } from "./stage.ts";
import type { Tree } from "./tree.ts";

/** The repositories that everything was solved from, and the result. */
export interface Solution {
  readonly snapshot: Snapshot;
  readonly findings: Findings;
  readonly trees: readonly SolvedTree[];
}

/**
 * Solves all trees of the desk.
 * @throws BtError of the check, RPM_DEPS_METADATA_MOVES, RPM_DEPS_SOLVER_…, RPM_DEPS_NO_SOLUTION, RPM_DEPS_TREE_WRONG
 */
export async function solveTrees(desk: Desk, backend: Backend): Promise<Solution> {
  const { task, folder } = desk;
  const work = path.join(folder, "stage");
  rmSync(work, { recursive: true, force: true });
  task.defer(() => rmSync(work, { recursive: true, force: true }));
  for (let attempt = 1; ; attempt++) {
    const { snapshot, findings } = await takeSnapshot(desk);
    throwFindings(findings);
    const plan = { desk, backend, snapshot, findings, program: describeProgram(desk, backend) };
    const open = desk.trees.filter((tree) => findKept(folder, keyOf(plan, tree), tree) === undefined);
    for (const stream of new Set(open.map((tree) => tree.stream))) await fetchStream(plan, stream);
    const changed = open.length === 0 ? [] : await findChanged(snapshot, desk.snapshot);
    if (changed.length > 0 && attempt === 2) throw metadataMoves(changed);
    if (changed.length > 0) {
      task.log.warn(`Changed meanwhile, so everything is checked again: ${changed.join(", ")}`);
      continue;
    }
    if (open.length < desk.trees.length)
      task.log.info(
        `${desk.trees.length - open.length} trees were solved before, by a run that did not come to its end`,
      );
    const trees = await inTurn(desk.trees, desk.jobs, async (tree) => await solveTree(plan, tree));
    return { snapshot, findings, trees };
  }
}

/** The lists of one stream. */
export function listsOf({ lists }: Pick<Desk, "lists">, stream: string): readonly RepositoryList[] {
  return lists.filter((entry) => entry.stream === stream).map(({ list }) => list);
}

/** Full versions of one tree's pins. */
function versionsOf({ resolved }: Findings, tree: Tree): (name: string) => string | undefined {
  return (name) => resolved.get(`${tree.name} ${name}`);
}

interface Plan {
  readonly desk: Desk;
  readonly backend: Backend;
  readonly snapshot: Snapshot;
  readonly findings: Findings;
  /** Path, size and time of the solver. */
  readonly program: string;
}

async function fetchStream(plan: Plan, stream: string): Promise<void> {
  const { desk, backend } = plan;
  const stage = stageOf(desk, stream, `fetch-${stream}`);
  await callSolver(desk.task, {
    command: [...backend.prefix, ...fetchArgs(stage.repofiles)],
    cwd: stage.folder,
    env: stage.env,
    about: `the metadata of ${stream}`,
  });
}

async function solveTree(plan: Plan, tree: Tree): Promise<SolvedTree> {
  const { desk, backend, snapshot, findings } = plan;
  const key = keyOf(plan, tree);
  const kept = findKept(desk.folder, key, tree);
  if (kept !== undefined) return kept;
  const stage = stageOf(desk, tree.stream, tree.name);
  await callSolver(
    desk.task,
    {
      command: [...backend.prefix, ...argsOf(plan, tree, stage.repofiles)],
      cwd: stage.folder,
      env: stage.env,
      about: `${tree.name} (${tree.arch}, ${tree.stream})`,
    },
    async () => await explainTree(snapshot, tree, findings.resolved),
  );
  const solved = applyBases(tree, readSolved(tree, stage.folder), snapshot);
  checkSolved(tree, solved, { snapshot, resolved: findings.resolved });
  keepSolved(desk.folder, key, solved);
  return solved;
}

function argsOf({ desk, findings }: Plan, tree: Tree, repofiles: readonly string[]): readonly string[] {
  return rpmtreeArgs(tree, repofiles, { nobest: desk.options.nobest ?? true, versions: versionsOf(findings, tree) });
}

function stageOf(desk: Desk, stream: string, name: string): Stage {
  const work = path.join(desk.folder, "stage");
  return createStage(path.join(work, name), listsOf(desk, stream), {
    cache: path.join(work, `cache-${stream}`),
    workspace: "",
    build: "",
  });
}

/** All that a solution depends on: the command, the repositories that count, the program. */
function keyOf(plan: Plan, tree: Tree): readonly unknown[] {
  const repositories = plan.snapshot.sources
    .filter(({ stream, repository }) => stream === tree.stream && isFor(repository, tree.arch))
    .map(({ repository: { name, baseurl, mirrors, priority }, digest }) => [name, baseurl, mirrors, priority, digest]);
  return [1, plan.program, argsOf(plan, tree, []), repositories];
}

function describeProgram({ task }: Desk, backend: Backend): string {
  const file = checkBackend(backend, task.env);
  const { size, mtimeMs } = statSync(file);
  return `${file} ${size} ${mtimeMs}`;
}
