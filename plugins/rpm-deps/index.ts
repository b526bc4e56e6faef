/** Rpms of container images: versions in one file, solved by bazeldnf, written to Bazel files. Describes; the work is loaded when a task runs. */
import { definePlugin, param, task, type Plugin, type TaskBase } from "../../core/index.ts";
import type { RpmDepsOptions, Scope } from "./options.ts";
import { solveParams, streamParam, treeParams } from "./params.ts";
import { tapRun } from "./tap.ts";

export type {
  BackendOptions,
  BaseOptions,
  GroupOptions,
  LddOptions,
  RpmDepsOptions,
  Spec,
  StreamChange,
  StreamOptions,
  TreeAttributes,
} from "./options.ts";

/** The tasks that replace `make rpm-deps` and its relatives. */
export function rpmDeps(options: RpmDepsOptions): Plugin {
  const trees = treeParams(options);
  const stream = streamParam(options);
  const json = param.flag({ env: "JSON", description: "One line of JSON instead of text" });
  const tasks: Record<string, TaskBase> = {
    "rpm-deps:check": task({
      description: "Compares all pins and packages with the repositories",
      params: { ...trees, ...stream, json, strict: param.flag({ description: "Also the committed files" }) },
      run: async (context) => (await import("./check-task.ts")).checkPins(context, options),
    }),
  };
  tasks["rpm-deps:bump"] = task({
    description: "Raises pins to the newest version that all packages and architectures have",
    dryRun: "record",
    params: {
      only: param.list({ env: "ONLY", description: "Only these pins" }),
      check: param.flag({ env: "CHECK", description: "Writes nothing; fails if there is something newer" }),
      allowDowngrade: param.flag({ description: "Also down, when a pin is gone" }),
      json,
    },
    run: async (context) => (await import("./bump-task.ts")).bumpPins(context, options, { isDryRun: run.isDryRun() }),
  });
  tasks["rpm-deps:diff"] = task({
    description: "Shows which packages differ from a revision or a folder",
    params: {
      base: param.string({ env: "BASE", default: "HEAD", description: "Revision of git, or a folder" }),
      exitCode: param.flag({ env: "EXIT_CODE", description: "Fails if something differs" }),
      json,
    },
    run: async (context) => (await import("./diff-task.ts")).diffFiles(context, options),
  });
  tasks["rpm-deps:doctor"] = task({
    description: "Says what is strange about the committed trees and rpms",
    params: { json, strict: param.flag({ description: "Fails if something is" }) },
    run: async (context) => (await import("./doctor-task.ts")).examineFiles(context, options),
  });
  tasks["verify-rpm-deps"] = task({
    description: "Checks checksums and signatures of all rpms",
    params: solveParams(),
    run: async (context) => (await import("./verify-task.ts")).verifyRpms(context, options),
  });
  const solve = { ...trees, ...solveParams() };
  const solving = (description: string, scope: Scope, withAliases = false): TaskBase =>
    task({
      description,
      dryRun: "record",
      params: scope === "first" ? { ...solve, ...stream } : solve,
      run: async (context) => {
        const { solveAndWrite } = await import("./run-task.ts");
        return await solveAndWrite(context, options, { scope, withAliases, isDryRun: run.isDryRun() });
      },
    });
  tasks["rpm-deps"] = solving("Solves the trees of one stream and writes the Bazel files", "first");
  for (const name of Object.keys(options.streams))
    tasks[`rpm-deps-${name}`] = solving(`Solves the trees of ${name}`, { stream: name });
  tasks["rpm-deps-all"] = solving("Solves the trees of all streams and writes the aliases", "all", true);
  const solvers: Record<string, Scope> = { "rpm-deps": "first", "rpm-deps-all": "all" };
  for (const name of Object.keys(options.streams)) solvers[`rpm-deps-${name}`] = { stream: name };
  const run = tapRun(options, tasks, {
    readers: { "rpm-deps:check": "all", "rpm-deps:bump": "all", ...solvers },
    solvers: Object.keys(solvers),
  });
  return definePlugin({ name: "rpm-deps", tasks, apply: run.apply });
}
