/** Checks what people have written before the first task starts, so that a mistake there is one of the command line or the builderfile. Loads nothing before. */
import type { BoundHooks, TaskBase } from "../../core/index.ts";
import type { RpmDepsOptions } from "./options.ts";

/** What is known about the run that a task is in. */
export interface RunFacts {
  readonly apply: (hooks: BoundHooks) => void;
  /** Whether nothing may be started, fetched or written. */
  readonly isDryRun: () => boolean;
}

/** `scopes` says on which streams a task works that reads pins and lists; other tasks are not in it. */
export function tapRun(
  options: RpmDepsOptions,
  tasks: Readonly<Record<string, TaskBase>>,
  scopes: Readonly<Record<string, "first" | "all" | { readonly stream: string }>>,
): RunFacts {
  let run = { root: "", isDryRun: false };
  const scopeOf = new Map(
    Object.entries(scopes).flatMap(([name, scope]) => (tasks[name] === undefined ? [] : [[tasks[name].handle, scope]])),
  );
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
          const { readInputs, toParams } = await import("./desk.ts");
          const values = Object.fromEntries(Object.entries(params).map(([name, { value }]) => [name, value]));
          await readInputs(run.root, options, toParams(values, options), scope);
        }
      });
    },
  };
}
