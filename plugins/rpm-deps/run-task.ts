/** The work of `rpm-deps`: check, solve, merge, and all files at once or none. Does not know bazeldnf's command lines. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { mergeAliases } from "./aliases.ts";
import { createBackend, type Backend } from "./backend.ts";
import { loadBazelFiles, type BazelFiles } from "./bazel-files.ts";
import { callSolver } from "./call.ts";
import { commitChanges, recoverChanges } from "./commit.ts";
import { createDesk, journalName, replacedName, toParams, type Desk, type Task } from "./desk.ts";
import { diffStates, renderDifference, type Difference } from "./diff.ts";
import { sayPlan } from "./dry-run.ts";
import { recoverInPlace, solveInPlace } from "./in-place.ts";
import { makeLibraries } from "./ldd.ts";
import { takeLock } from "./lock.ts";
import { mergeBuild, mergeWorkspace, type SolvedTree } from "./merge.ts";
import type { RpmDepsOptions, Scope } from "./options.ts";
import { solveTrees } from "./solve.ts";
import { createStage, stagedFiles } from "./stage.ts";
import { parseBazelFile } from "./starlark.ts";
import { plainName } from "./tree.ts";

/** What a run has done. */
export interface RunResult {
  /** Files that have a new text. */
  readonly written: readonly string[];
  readonly difference: Difference;
  /** Repository to revision and digest of its index. */
  readonly repositories: readonly { readonly name: string; readonly revision: string; readonly sha256: string }[];
}

/** What kind of run. */
export interface RunOptions {
  readonly scope: Scope;
  /** Also the aliases of all streams. */
  readonly withAliases: boolean;
  readonly isDryRun: boolean;
}

/** @throws BtError of every step; the files are as before */
export async function solveAndWrite(
  task: Task,
  options: RpmDepsOptions,
  { scope, withAliases, isDryRun }: RunOptions,
): Promise<RunResult | undefined> {
  const desk = await createDesk(task, options, toParams(task.params, options), scope);
  const backend = createBackend(options.backend, desk.params.bazeldnf);
  if (isDryRun) {
    await sayPlan(desk, backend);
    return undefined;
  }
  const { journal, release } = openFolder(desk);
  task.defer(release);
  recover(desk, journal);
  const before = await loadBazelFiles(task.root, desk);
  const run = backend.launcher === "bazel" ? writeInPlace : writeAtOnce;
  const { written, snapshot } = await run({ desk, backend, before, journal, withAliases });
  const difference = diffStates(before, await loadBazelFiles(task.root, desk));
  const lines = renderDifference(difference);
  task.log.info(written.length === 0 ? "Nothing changed" : `Wrote ${written.join(" and ")}`);
  for (const line of lines) task.log.info(line);
  const repositories = snapshot.sources.map(({ repository, revision, digest }) => {
    return { name: repository.name, revision, sha256: digest };
  });
  return { written, difference, repositories };
}

interface Work {
  readonly desk: Desk;
  readonly backend: Backend;
  readonly before: BazelFiles;
  readonly journal: string;
  readonly withAliases: boolean;
}
interface Done {
  readonly written: readonly string[];
  readonly snapshot: Awaited<ReturnType<typeof solveTrees>>["snapshot"];
}

function openFolder({ folder }: Desk): { readonly journal: string; readonly release: () => void } {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, ".gitignore"), "*\n");
  return { journal: path.join(folder, journalName), release: takeLock(folder) };
}

function recover(desk: Desk, journal: string): void {
  const { root, log } = desk.task;
  const finished = recoverChanges(root, journal, [desk.workspace, desk.buildfile]);
  if (finished.length > 0) log.warn(`An interrupted run has been brought to its end: ${finished.join(", ")}`);
  const restored = recoverInPlace(desk);
  if (restored.length > 0)
    log.warn(
      `What an interrupted run had changed is as before: ${restored.join(", ")}; what stood there is in ${path.relative(root, path.join(desk.folder, replacedName))}`,
    );
}

/** Everything is made beside the files, and renamed in the end. */
async function writeAtOnce({ desk, backend, before, journal, withAliases }: Work): Promise<Done> {
  const { snapshot, trees } = await solveTrees(desk, backend);
  const after = await finish(desk, backend, { before, trees, withAliases });
  const changes = [
    { file: desk.workspace, before: before.workspace.text, after: after.workspace },
    { file: desk.buildfile, before: before.build.text, after: after.build },
  ];
  const written = commitChanges(desk.task.root, journal, changes);
  rmSync(path.join(desk.folder, "solved"), { recursive: true, force: true });
  return { written, snapshot };
}

async function writeInPlace(work: Work): Promise<Done> {
  const { desk, backend, before, withAliases } = work;
  const snapshot = await solveInPlace(desk, backend, {
    before,
    finish: (build) => (withAliases ? addAliases(desk, build) : build),
  });
  const after = await loadBazelFiles(desk.task.root, desk);
  const written = [
    ...(after.workspace.text === before.workspace.text ? [] : [desk.workspace]),
    ...(after.build.text === before.build.text ? [] : [desk.buildfile]),
  ];
  return { written, snapshot };
}

/** Merged, pruned and formatted by the solver, with libraries and aliases. */
async function finish(
  desk: Desk,
  backend: Backend,
  { before, trees, withAliases }: { before: BazelFiles; trees: readonly SolvedTree[]; withAliases: boolean },
): Promise<{ readonly workspace: string; readonly build: string }> {
  const merged = mergeBuild(before.build, trees);
  const work = path.join(desk.folder, "stage");
  const stage = createStage(path.join(work, "merged"), [], {
    cache: path.join(work, "cache-merged"),
    workspace: mergeWorkspace(before.workspace, trees),
    build: withAliases ? addAliases(desk, merged) : merged,
  });
  const call = { cwd: stage.folder, env: stage.env };
  await callSolver(desk.task, { ...call, command: [...backend.prefix, "prune"], about: "the end of the run" });
  await makeLibraries(desk, backend, { stage, trees });
  const read = (file: string): string => readFileSync(path.join(stage.folder, file), "utf8");
  return { workspace: read(stagedFiles.workspace), build: read(stagedFiles.buildfile) };
}

function addAliases(desk: Desk, build: string): string {
  const suffixes = Object.entries(desk.options.streams).map(([stream, { suffix }]) => [stream, suffix] as const);
  return mergeAliases(
    parseBazelFile(build, desk.buildfile),
    desk.allTrees.map(plainName),
    Object.fromEntries(suffixes),
  );
}
