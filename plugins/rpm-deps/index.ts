/** Rpms of container images: versions in one file, solved by bazeldnf, written to Bazel files. Describes; the work is loaded when a task runs. */
import { definePlugin, param, task, type Plugin, type TaskBase } from "../../core/index.ts";
import type { RpmDepsOptions } from "./options.ts";
import { streamParam, treeParams } from "./params.ts";
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
  const run = tapRun(options, tasks, { "rpm-deps:check": "all" });
  return definePlugin({ name: "rpm-deps", tasks, apply: run.apply });
}
