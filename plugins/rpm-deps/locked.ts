/** Whether the committed files still fit the repositories and the pins: the strict part of a check. Writes nothing. */
import { findRpmName, loadBazelFiles, rpmRules, treeRules } from "./bazel-files.ts";
import type { Findings } from "./check.ts";
import type { Desk } from "./desk.ts";
import { formatEvr } from "./evr.ts";
import { lockedDiffers } from "./repository-errors.ts";
import { findPackages, type Snapshot } from "./snapshot.ts";

/** @throws BtError RPM_DEPS_LOCKED_DIFFERS with exit code 3 */
export async function checkLocked(desk: Desk, snapshot: Snapshot, { resolved }: Findings): Promise<void> {
  const { workspace, build } = await loadBazelFiles(desk.task.root, desk);
  const [rules, lists] = [rpmRules(workspace), treeRules(build)];
  const gone = new Set<string>();
  const differing: string[] = [];
  for (const tree of desk.trees) {
    const rpms = lists.get(tree.name);
    if (rpms === undefined) {
      differing.push(`${tree.name} is not in ${desk.buildfile}`);
      continue;
    }
    for (const name of rpms) {
      const parts = findRpmName(name);
      if (parts === undefined) continue;
      const offered = findPackages(snapshot, parts.package, tree).filter((one) => formatEvr(one) === formatEvr(parts));
      const sha256 = rules.get(name)?.sha256;
      if (!offered.some(({ checksum }) => checksum === sha256)) gone.add(`${name} is no longer offered`);
      const wanted = resolved.get(`${tree.name} ${parts.package}`);
      if (wanted !== undefined && wanted !== formatEvr(parts))
        differing.push(`${tree.name} has ${parts.package} ${formatEvr(parts)}, its pin says ${wanted}`);
    }
  }
  const problems = [...differing, ...[...gone].sort()];
  if (problems.length > 0) throw lockedDiffers(problems);
}
