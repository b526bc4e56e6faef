/** Rpms of container images: versions in one file, solved by bazeldnf, written to Bazel files. Describes; the work is loaded when a task runs. */
import { checkOptions, definePlugin, describeTool, packagesOf, type Plugin, type TaskBase } from "../../core/index.ts";
import { rpmMarks, type RpmDepsOptions } from "./options.ts";
import { tapRun } from "./tap.ts";
import { bumpTask, importTask, readingTasks, solvingTasks } from "./tasks.ts";

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

/** The tasks that replace `make rpm-deps` and its relatives. Without options there is only the import, which writes some. */
export function rpmDeps(options?: RpmDepsOptions): Plugin {
  const own: Record<string, TaskBase> = { "rpm-deps:import": importTask() };
  if (options === undefined) return definePlugin({ name: "rpm-deps", tasks: own });
  checkOptions("rpmDeps()", options, rpmMarks);
  const isDryRun = (): boolean => run.isDryRun();
  const { tasks: solving, scopes } = solvingTasks(options, isDryRun);
  const tasks = { ...solving, "rpm-deps:bump": bumpTask(options, isDryRun), ...readingTasks(options), ...own };
  const readers = { ...scopes, "rpm-deps:check": "all", "rpm-deps:bump": "all" } as const;
  const run = tapRun(options, tasks, { readers, solvers: Object.keys(scopes) });
  return definePlugin({
    name: "rpm-deps",
    tasks,
    apply(hooks) {
      run.apply(hooks);
      hooks.doctor.tap((known, { env }) => {
        const program = options.backend?.launcher === "bazel" ? "bazel" : "bazeldnf";
        const facts = { plugin: "rpm-deps", env };
        const solver = describeTool(options.backend?.bin ?? program, { ...facts, install: packagesOf(program) });
        return [...known, solver, describeTool("rpmkeys", facts)];
      });
    },
  });
}
