/** The original's way: `bazel run` changes the project's own files, one call after the other; a failure or crash brings the old ones back. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import * as path from "node:path";
import { replaceFile } from "../../core/index.ts";
import { checkBackend, fetchArgs, lddTargetArgs, rpmtreeArgs, type Backend } from "./backend.ts";
import type { BazelFiles } from "./bazel-files.ts";
import { callSolver } from "./call.ts";
import { takeSnapshot, throwFindings } from "./check-task.ts";
import { originalsName, replacedName, type Desk } from "./desk.ts";
import { explainTree } from "./explain.ts";
import { listsOf } from "./solve.ts";
import { checkSolved, readSolvedFrom } from "./solved.ts";
import type { Snapshot } from "./snapshot.ts";

/** Texts as they were. */
interface Originals {
  readonly schema: 1;
  readonly files: readonly { readonly file: string; readonly text: string }[];
}

/** Fetch; then per architecture all trees, prune and libraries, as the original does. */
export async function solveInPlace(
  desk: Desk,
  backend: Backend,
  { before, finish }: { readonly before: BazelFiles; readonly finish: (build: string) => string },
): Promise<Snapshot> {
  const { task } = desk;
  const { root } = task;
  checkBackend(backend, task.env);
  const { snapshot, findings } = await takeSnapshot(desk);
  throwFindings(findings);
  saveOriginals(desk, before);
  let succeeded = false;
  task.defer(() => void (succeeded || recoverInPlace(desk)));
  for (const { command, about, tree } of planCalls(desk, backend, (name) => findings.resolved.get(name))) {
    const explain = tree === undefined ? undefined : () => explainTree(snapshot, tree, findings.resolved);
    await callSolver(task, { command, cwd: root, about }, explain);
    if (tree !== undefined)
      checkSolved(tree, readSolvedFrom(tree, root, desk), { snapshot, resolved: findings.resolved });
  }
  const build = readFileSync(path.join(root, desk.buildfile), "utf8");
  const finished = finish(build);
  if (finished !== build) replaceFile(path.join(root, desk.buildfile), finished);
  succeeded = true;
  rmSync(originalsFile(desk), { force: true });
  return snapshot;
}

/** One call of the original. */
interface PlannedCall {
  readonly command: readonly string[];
  readonly about: string;
  /** Of an `rpmtree` call. */
  readonly tree?: Desk["trees"][number];
}

/** All calls in order. `versions` gives full versions by `TREE PACKAGE`. */
export function planCalls(
  desk: Desk,
  backend: Backend,
  versions: (key: string) => string | undefined,
): readonly PlannedCall[] {
  const calls: PlannedCall[] = [];
  for (const stream of desk.streams) {
    const repofiles = listsOf(desk, stream).map(({ file }) => file);
    const trees = desk.trees.filter((tree) => tree.stream === stream);
    if (trees.length === 0) continue;
    calls.push({ command: [...backend.prefix, ...fetchArgs(repofiles)], about: `the metadata of ${stream}` });
    for (const arch of new Set(trees.map((tree) => tree.arch))) {
      const own = trees.filter((tree) => tree.arch === arch);
      for (const tree of own) {
        const resolved = new Map(
          tree.packages.map(({ name }) => [`${tree.name} ${name}`, versions(`${tree.name} ${name}`)]),
        );
        const args = rpmtreeArgs(tree, repofiles, {
          nobest: desk.options.nobest ?? true,
          versions: (name) => resolved.get(`${tree.name} ${name}`),
        });
        calls.push({ command: [...backend.prefix, ...args], about: `${tree.name} (${arch}, ${stream})`, tree });
      }
      calls.push({ command: [...backend.prefix, "prune"], about: `the end of ${arch}, ${stream}` });
      if (backend.launcher === "bazel")
        for (const { target } of own.flatMap(({ ldd }) => ldd))
          calls.push({ command: [backend.bin, ...lddTargetArgs(backend, target, { stream })], about: target });
    }
  }
  return calls;
}

/** Brings back what an earlier run, or this one, had begun to change; what stood there meanwhile is kept beside. Returns the files. */
export function recoverInPlace(desk: Desk): readonly string[] {
  let text: string;
  try {
    text = readFileSync(originalsFile(desk), "utf8");
  } catch {
    return [];
  }
  const { files }: Originals = JSON.parse(text);
  const aside = path.join(desk.folder, replacedName);
  for (const { file, text: original } of files) {
    const now = path.join(desk.task.root, file);
    mkdirSync(path.dirname(path.join(aside, file)), { recursive: true });
    if (existsSync(now) && readFileSync(now, "utf8") === original) continue;
    if (existsSync(now)) copyFileSync(now, path.join(aside, file));
    replaceFile(now, original);
  }
  rmSync(originalsFile(desk));
  return files.map(({ file }) => file);
}

function saveOriginals(desk: Desk, { workspace, build }: BazelFiles): void {
  const files = [workspace, build].map(({ file, text }) => ({ file, text }));
  const originals: Originals = { schema: 1, files };
  replaceFile(originalsFile(desk), JSON.stringify(originals));
}

function originalsFile({ folder }: Pick<Desk, "folder">): string {
  return path.join(folder, originalsName);
}
