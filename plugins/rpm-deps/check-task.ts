/** The work of `rpm-deps:check`: everything that is wanted against everything there is. Writes nothing but the cache. */
import { checkTrees, type Findings } from "./check.ts";
import { createDesk, toParams, type Desk, type Task } from "./desk.ts";
import { pinAmbiguous } from "./errors.ts";
import type { RpmDepsOptions } from "./options.ts";
import { packagesMissing } from "./repository-errors.ts";
import { loadSnapshot, type Snapshot } from "./snapshot.ts";
import { checkLocked } from "./locked.ts";

/** What a check says when all is well. */
export interface CheckResult {
  readonly trees: number;
  readonly packages: number;
  /** Repository to revision and digest of its index. */
  readonly repositories: readonly { readonly name: string; readonly revision: string; readonly sha256: string }[];
}

/**
 * Checks the pins and packages of all trees.
 * @throws BtError RPM_DEPS_PACKAGES_MISSING with exit code 3, RPM_DEPS_LOCKED_DIFFERS, and those of desk and snapshot
 */
export async function checkPins(task: Task, options: RpmDepsOptions): Promise<CheckResult> {
  const { strict, json } = task.params;
  const desk = await createDesk(task, options, toParams(task.params, options), "all");
  const { snapshot, findings } = await takeSnapshot(desk);
  if (json === true) task.log.info(JSON.stringify({ misses: findings.misses }));
  throwFindings(findings);
  if (strict === true) await checkLocked(desk, snapshot, findings);
  const packages = new Set(
    desk.trees.flatMap(({ packages: wanted, arch, stream }) => wanted.map(({ name }) => `${name} ${arch} ${stream}`)),
  ).size;
  if (json !== true) task.log.info(`${packages} packages of ${desk.trees.length} trees are in the repositories`);
  return {
    trees: desk.trees.length,
    packages,
    repositories: snapshot.sources.map(({ repository, revision, digest }) => {
      return { name: repository.name, revision, sha256: digest };
    }),
  };
}

/** The repositories now, and what the trees want of them. */
export async function takeSnapshot(desk: Desk): Promise<{ readonly snapshot: Snapshot; readonly findings: Findings }> {
  const snapshot = await loadSnapshot(desk.lists, desk.snapshot);
  for (const warning of snapshot.warnings) desk.task.log.warn(warning);
  return { snapshot, findings: checkTrees(snapshot, desk.trees, desk.pins) };
}

/** @throws BtError RPM_DEPS_PACKAGES_MISSING, RPM_DEPS_PIN_AMBIGUOUS */
export function throwFindings({ misses, doubts }: Findings): void {
  if (misses.length > 0) throw packagesMissing(misses);
  const [doubt] = doubts;
  if (doubt !== undefined) throw pinAmbiguous(`${doubt.stream}.${doubt.pin}`, doubt.wanted, doubt.candidates);
}
