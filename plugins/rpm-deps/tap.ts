/** Checks what people have written before the first task starts, so that a mistake there is one of the command line or the builderfile. Loads nothing before. */
import type { BoundHooks, TaskBase } from "../../core/index.ts";
import type { RpmDepsOptions, Scope } from "./options.ts";

/** What is known about the run that a task is in. */
export interface RunFacts {
  readonly apply: (hooks: BoundHooks) => void;
  /** Whether nothing may be started, fetched or written. */
  readonly isDryRun: () => boolean;
}

/** Names of tasks. */
export interface TaskKinds {
  /** Tasks that read pins and repository lists, and the streams they work on. */
  readonly readers: Readonly<Record<string, Scope>>;
  /** Those of them that need the solver. */
  readonly solvers: readonly string[];
}

export function tapRun(
  options: RpmDepsOptions,
  tasks: Readonly<Record<string, TaskBase>>,
  { readers, solvers }: TaskKinds,
): RunFacts {
  let run = { root: "", isDryRun: false };
  const scopeOf = new Map(
    Object.entries(readers).flatMap(([name, scope]) =>
      tasks[name] === undefined ? [] : [[tasks[name].handle, scope] as const],
    ),
  );
  const solving = new Set(solvers.flatMap((name) => tasks[name]?.handle ?? []));
  return {
    isDryRun: () => run.isDryRun,
    apply(hooks) {
      hooks.event.tap((event) => {
        if (event.kind === "run-started") run = { root: event.root, isDryRun: event.dryRun };
      });
      hooks.beforeRun.tap(async (graph) => {
        for (const { task, params } of graph.nodes.values()) {
          const scope = scopeOf.get(task.handle);
          if (scope === undefined) continue;
          const { readInputs, readOutputs, toParams } = await import("./desk.ts");
          const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
          const { bazeldnf, ...given } = toParams(values, options);
          const inputs = await readInputs(run.root, options, given, scope);
          if (!solving.has(task.handle)) continue;
          const { checkBackend, createBackend } = await import("./backend.ts");
          checkBackend(createBackend(options.backend, bazeldnf), process.env);
          await readOutputs(run.root, inputs);
        }
      });
    },
  };
}
