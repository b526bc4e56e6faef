/** Every message about repositories and what they offer. Knows only BtError. */
import { BtError } from "../../core/index.ts";
import { describeFailure, type DownloadFailure } from "./download.ts";
import type { Miss } from "./miss.ts";

/** How many versions a message lists. */
const shownVersions = 5;

export function filesDiffer(count: number): BtError {
  return new BtError("RPM_DEPS_FILES_DIFFER", `${count} ${count === 1 ? "package differs" : "packages differ"}`, {
    exitCode: 3,
    fix: "Commit the change, or leave --exit-code out.",
  });
}

export function lockedDiffers(problems: readonly string[]): BtError {
  return new BtError("RPM_DEPS_LOCKED_DIFFERS", "The committed files do not fit the repositories and the pins", {
    exitCode: 3,
    detail: problems,
    fix: "Run `bt rpm-deps`.",
  });
}

export function metadataDamaged(repository: string, where: string, problem: string): BtError {
  return new BtError("RPM_DEPS_METADATA_DAMAGED", `The metadata of repository "${repository}" ${problem}`, {
    exitCode: 5,
    detail: [where],
    fix: "Wait until the mirror is whole again, or name another one; a file of the cache may be removed.",
  });
}

export function metadataMoves(repositories: readonly string[]): BtError {
  return new BtError(
    "RPM_DEPS_METADATA_MOVES",
    `Repositories changed twice during the run: ${repositories.join(", ")}`,
    {
      exitCode: 5,
      fix: "Start again when the mirror has been updated.",
    },
  );
}

export function newerExist(bumps: readonly string[]): BtError {
  return new BtError("RPM_DEPS_NEWER_EXIST", `${bumps.length} ${bumps.length === 1 ? "pin" : "pins"} can be raised`, {
    exitCode: 3,
    detail: bumps,
    fix: "Run `bt rpm-deps:bump`.",
  });
}

export function packagesMissing(misses: readonly Miss[]): BtError {
  const pins = new Set(misses.map((miss) => miss.pin ?? miss.package)).size;
  return new BtError(
    "RPM_DEPS_PACKAGES_MISSING",
    `${misses.length} wanted ${misses.length === 1 ? "package is" : "packages are"} not in the repositories`,
    {
      exitCode: 3,
      detail: misses.flatMap(renderMiss),
      fix: `Change the ${pins === 1 ? "pin" : "pins"} in the pins file, for example with \`bt rpm-deps:bump\`, or the groups that want them.`,
    },
  );
}

/** Several are one message under the code of the first; the same repository may be in two streams. */
export function repositoriesFailed(failures: readonly BtError[]): BtError {
  const all = [...new Map(failures.map((one) => [`${one.message} ${one.detail.join()}`, one])).values()];
  const first = all[0]!; // Somebody has failed.
  if (all.length === 1) return first;
  return new BtError(first.code, `${all.length} repositories cannot be used`, {
    exitCode: first.exitCode,
    detail: all.flatMap(({ message, detail }) => [message, ...detail.map((line) => `    ${line}`)]),
    fix: first.fix,
  });
}

export function repositoryOffline(repository: string, url: string): BtError {
  return new BtError("RPM_DEPS_REPOSITORY_OFFLINE", `Repository "${repository}" has never been fetched: ${url}`, {
    exitCode: 5,
    fix: "Run `bt rpm-deps:check` once with a network and without `offline`.",
  });
}

export function repositoryUnreachable(repository: string, failure: DownloadFailure): BtError {
  return new BtError(
    "RPM_DEPS_REPOSITORY_UNREACHABLE",
    `Repository "${repository}" cannot be fetched: ${describeFailure(failure)}`,
    {
      exitCode: 5,
      detail: [failure.url],
      fix: "Check the address in the repository list, or wait for the mirror.",
    },
  );
}

export function revisionUnknown(base: string, lines: readonly string[]): BtError {
  return new BtError("RPM_DEPS_REVISION_UNKNOWN", `"${base}" is neither a folder nor a revision with these files`, {
    detail: lines.filter((line) => line !== ""),
    fix: "Give BASE a revision of git, or a folder with the two files under their names.",
  });
}

export function rpmUnreachable(rpm: string, failures: readonly DownloadFailure[]): BtError {
  return new BtError("RPM_DEPS_RPM_UNREACHABLE", `The rpm ${rpm} is at none of its addresses`, {
    exitCode: 5,
    detail: failures.map((failure) => `${failure.url}: ${describeFailure(failure)}`),
    fix: "Run `bt rpm-deps` to get new addresses, or add one of an archive to the rule.",
  });
}

export function symptomsFound(count: number): BtError {
  return new BtError("RPM_DEPS_SYMPTOMS", `${count} ${count === 1 ? "thing is" : "things are"} strange`, {
    exitCode: 3,
    fix: "Look into the lines above, or leave --strict out.",
  });
}

/** `qemu-img 17:9-1.el9 (QEMU) for s390x, cs9: there is 17:8-1.el9 …`. */
function renderMiss(miss: Miss): readonly string[] {
  const wanted = miss.wanted === undefined ? miss.package : `${miss.package} ${miss.wanted}`;
  const pin = miss.pin === undefined ? "" : ` (${miss.pin})`;
  const shown = miss.available.slice(0, shownVersions).map(({ evr, repository }) => `${evr} in ${repository}`);
  const more = miss.available.length - shown.length;
  const there = shown.length === 0 ? "no version at all" : `${shown.join(", ")}${more > 0 ? ` and ${more} older` : ""}`;
  return [
    `${wanted}${pin} for ${miss.arch}, ${miss.stream}: there is ${there}`,
    ...(miss.elsewhere.length === 0 ? [] : [`  it is there for ${miss.elsewhere.join(", ")}`]),
    `  wanted by ${miss.trees.join(", ")}`,
  ];
}
