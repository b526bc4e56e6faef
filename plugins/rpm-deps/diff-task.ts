/** The work of `rpm-deps:diff`: a git revision or a folder against the files as they are. Writes nothing. */
import { existsSync, statSync } from "node:fs";
import * as path from "node:path";
import { loadBazelFiles, type BazelFiles } from "./bazel-files.ts";
import type { Task } from "./desk.ts";
import { diffStates, isSame, renderDifference, type Difference } from "./diff.ts";
import { lockRules } from "./lockfile.ts";
import type { RpmDepsOptions } from "./options.ts";
import { filesDiffer, revisionUnknown } from "./repository-errors.ts";
import { parseBazelFile } from "./starlark.ts";

/** @throws BtError RPM_DEPS_REVISION_UNKNOWN; RPM_DEPS_FILES_DIFFER with exit code 3 when `exitCode` is asked for */
export async function diffFiles(task: Task, options: RpmDepsOptions): Promise<Difference> {
  const { base, json, exitCode } = task.params;
  const names = {
    workspace: options.outputs?.workspace ?? "WORKSPACE",
    buildfile: options.outputs?.buildfile ?? "rpm/BUILD.bazel",
  };
  const before = await loadBase(task, typeof base === "string" ? base : "HEAD", names);
  const difference = diffStates(before, await loadState(task.root, names));
  if (json === true) task.log.info(JSON.stringify(difference));
  else for (const line of renderDifference(difference)) task.log.info(line);
  if (isSame(difference)) {
    if (json !== true) task.log.info("No package differs");
  } else if (exitCode === true) throw filesDiffer(difference.packages.length);
  return difference;
}

interface Names {
  readonly workspace: string;
  readonly buildfile: string;
}

async function loadBase(task: Task, base: string, names: Names): Promise<BazelFiles> {
  const folder = path.resolve(task.root, base);
  if (existsSync(folder) && statSync(folder).isDirectory()) return await loadState(folder, names);
  // A name that starts with a dash would be an option.
  if (base.startsWith("-")) throw revisionUnknown(base, []);
  const show = async (file: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await task.exec("git", ["show", `${base}:./${file}`], {
      cwd: task.root,
      show: false,
      allowedCodes: [0, 128],
    });
    if (exitCode !== 0) throw revisionUnknown(base, stderr.split("\n"));
    return `${stdout}\n`;
  };
  return {
    workspace: toRules(await show(names.workspace), `${base}:${names.workspace}`),
    build: parseBazelFile(await show(names.buildfile), `${base}:${names.buildfile}`),
  };
}

async function loadState(root: string, names: Names): Promise<BazelFiles> {
  if (!names.workspace.endsWith(".json")) return await loadBazelFiles(root, names);
  const { readFile } = await import("node:fs/promises");
  const [lock, build] = await Promise.all(
    [names.workspace, names.buildfile].map((file) => readFile(path.resolve(root, file), "utf8")),
  );
  return { workspace: toRules(lock!, names.workspace), build: parseBazelFile(build!, names.buildfile) };
}

/** A lock file stands for the workspace it replaces. */
function toRules(text: string, file: string): BazelFiles["workspace"] {
  return file.endsWith(".json") ? lockRules(text, file) : parseBazelFile(text, file);
}
