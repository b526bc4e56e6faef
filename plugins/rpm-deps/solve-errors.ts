/** Every message about solving, merging and committing. Knows only BtError. */
import { BtError } from "../../core/index.ts";

/** One call of the solver that failed. */
export interface FailedCall {
  readonly command: readonly string[];
  readonly exitCode: number;
  /** The last lines that it printed. */
  readonly lines: readonly string[];
  /** `tools_s390x_cs9 (s390x, cs9)`, or what else it was about. */
  readonly about: string;
}

export function backendFailed(call: FailedCall, explanation: readonly string[] = []): BtError {
  const said = call.lines.join("\n");
  const kind = kinds.find(({ pattern }) => pattern.test(said)) ?? otherKind;
  return new BtError(kind.code, `The solver failed for ${call.about}: ${kind.problem}`, {
    exitCode: kind.exitCode,
    detail: [`exit code ${call.exitCode}: ${call.command.join(" ")}`, ...call.lines, ...explanation],
    fix: kind.fix,
  });
}

const otherKind = {
  code: "RPM_DEPS_SOLVER_FAILED",
  problem: "it says no more than what is below",
  exitCode: 1,
  fix: "Read what it printed; the same command can be called by hand.",
};
const kinds = [
  {
    pattern: /package \S+ does not exist/i,
    code: "RPM_DEPS_SOLVER_PACKAGE",
    problem: "it finds a package that is wanted not in the metadata",
    exitCode: 3,
    fix: "Correct the group or the pin; `bt rpm-deps:check` lists what there is.",
  },
  {
    pattern: /no solution found/i,
    code: "RPM_DEPS_NO_SOLUTION",
    problem: "there is no solution",
    exitCode: 4,
    fix: "Change the pins or packages that are named, or leave a package out with `forceIgnore`.",
  },
  {
    pattern: /failed to (fetch|download|resolve)|giving up after|dial tcp|connection (refused|reset)|unexpected EOF/i,
    code: "RPM_DEPS_SOLVER_DOWNLOAD",
    problem: "a download failed",
    exitCode: 5,
    fix: "Start again when the mirror answers.",
  },
];

export function backendMissing(bin: string, launcher: "direct" | "bazel"): BtError {
  const fix =
    launcher === "bazel"
      ? "Install Bazel, or use the launcher `direct`."
      : "Build bazeldnf with Go as the README of the plugin says, and put it in PATH or name it in BAZELDNF. `bt rpm-deps:check` works without it.";
  return new BtError("RPM_DEPS_BACKEND_MISSING", `The solver "${bin}" is not installed`, { isRefusal: true, fix });
}

export function filesChanged(files: readonly string[]): BtError {
  return new BtError("RPM_DEPS_FILES_CHANGED", `Somebody changed ${files.join(" and ")} during the run`, {
    exitCode: 1,
    fix: "Nothing was written. Run it again; what was solved is kept.",
  });
}

export function journalForeign(files: readonly string[], journal: string): BtError {
  return new BtError(
    "RPM_DEPS_JOURNAL_FOREIGN",
    `A run was interrupted while it wrote ${files.join(" and ")}, and then somebody else changed that`,
    {
      exitCode: 1,
      fix: `Put the files right, for example with \`git checkout -- ${files.join(" ")}\`, then remove ${journal}.`,
    },
  );
}

export function lockHeld(pid: number): BtError {
  return new BtError("RPM_DEPS_LOCKED", `Another run is at work, in process ${pid}`, {
    exitCode: 1,
    fix: "Wait until it has ended, or end it.",
  });
}

export function sumsDiffer(rpm: string, sums: readonly (readonly [tree: string, sha256: string])[]): BtError {
  return new BtError("RPM_DEPS_SUMS_DIFFER", `The rpm ${rpm} has different checksums in different trees`, {
    exitCode: 1,
    detail: sums.map(([tree, sha256]) => `${tree}: ${sha256}`),
    fix: "Two repositories offer different files under one name: give one of them another priority, or remove it.",
  });
}

export function treeWrong(tree: string, problems: readonly string[]): BtError {
  return new BtError("RPM_DEPS_TREE_WRONG", `The solver's result for ${tree} is not what was asked for`, {
    exitCode: 1,
    detail: problems,
    fix: "Write the version of the pin in full; if it is, another package of the tree needs another version.",
  });
}
