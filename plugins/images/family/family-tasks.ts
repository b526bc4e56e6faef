/** The tasks about whole families: `family:plan`, `family:new` and the like, once for all families of a project. Describes. */
import { param, task, type NamedTask, type TaskBase } from "../../../core/index.ts";
import { chooseFamilies } from "./choose.ts";
import type { Family } from "./options.ts";
import { findRole, listFamilies, withRole } from "./role.ts";

/** All tasks with those of one more family, and the common ones for all families so far. */
export function addFamilyTasks(
  all: readonly NamedTask[],
  family: Family,
  tasks: Readonly<Record<string, TaskBase>>,
): readonly NamedTask[] {
  const others = all.filter(({ task: { handle } }) => !common.has(handle));
  const taken = new Set(others.map(({ name }) => name));
  const own = Object.entries(tasks).map(([name, described]): NamedTask => {
    const isTaken = findRole(described)?.kind === "self-test" && taken.has(name);
    const ownName = isTaken ? name.replace(/^build-containers-/, `build-containers-${family.name}-`) : name;
    return { name: ownName, task: described, plugin: family.name };
  });
  const families = listFamilies([...others, ...own].map((named) => named.task));
  const shared = Object.entries(commonTasks(families)).map(([name, described]): NamedTask => ({
    name,
    task: described,
    plugin: "image families",
  }));
  return [...others, ...own, ...shared.filter(({ name }) => name !== "lint" || !taken.has("lint"))];
}

/** Handles of common tasks. */
const common = new WeakSet<object>();

function commonTasks(families: readonly Family[]): Readonly<Record<string, TaskBase>> {
  const params = { family: param.string({ description: "Which family, where there are several" }) };
  const version = { v: param.string({ required: true, description: "Version" }) };
  const tasks: Readonly<Record<string, TaskBase>> = {
    "family:new": task({
      description: "Adds a version as a copy of another one",
      params: { ...params, ...version, from: param.string({ required: true, description: "Version to copy" }) },
      run: async (context) => (await import("./edit.ts")).addVersion(context, families),
    }),
    "family:rm": task({
      description: "Removes a version and its Dockerfile",
      params: { ...params, ...version },
      run: async (context) => (await import("./edit.ts")).removeVersion(context, families),
    }),
    "family:check": task({
      description: "Looks for mistakes in table, Dockerfiles and CI jobs",
      params,
      run: async (context) => (await import("./check.ts")).check(context, families),
    }),
    "family:plan": task({
      description: "Lists the versions to build since a commit, and why",
      params: { ...params, base: param.string({ required: true, description: "Commit or branch to compare with" }) },
      run: async (context) => (await import("./plan.ts")).plan(context, families),
      dryRun: "record",
    }),
    "family:ci": task({
      description: "Writes the CI jobs of all supported versions",
      params: {
        ...params,
        format: param.enum(["openshift"], { required: true, description: "CI system" }),
        out: param.path({ description: "File whose jobs are replaced. Default: they are printed" }),
        check: param.flag({ description: "Only compare; differences are a failure" }),
      },
      run: async (context) => (await import("./ci.ts")).writeCi(context, families),
    }),
    lint: task({
      description: "Checks all *.sh files with shellcheck",
      run: async (context) => (await import("./lint.ts")).lint(context),
    }),
  };
  for (const described of Object.values(tasks)) {
    common.add(described.handle);
    const [family] = families;
    const prepare = async (values: Readonly<Record<string, string | undefined>>): Promise<unknown> => {
      chooseFamilies(families, values["family"]);
      if (described === tasks["family:new"])
        return (await import("./edit.ts")).planAddition(process.cwd(), families, values);
      return (
        described === tasks["family:rm"] && (await import("./edit.ts")).planRemoval(process.cwd(), families, values)
      );
    };
    if (family !== undefined) withRole(described, { kind: "common", family, prepare });
  }
  return tasks;
}
