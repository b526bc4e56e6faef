/** What an aggregate has come to, version by version, for machines. Does not know how a version is built. */
import type { Context } from "../../../core/index.ts";
import type { Family } from "./options.ts";

/** The result of one version's task, as it is remembered. */
interface Outcome {
  readonly version: string;
  readonly status: string;
  readonly run?: string;
}

/** The results of the versions, in declared order; what another run has built is `cached`. */
export function summarize(
  context: Pick<Context, "needs" | "env">,
  { versions }: Family,
): { readonly versions: readonly Outcome[] } {
  const results = Object.values(context.needs as Readonly<Record<string, Outcome | undefined>>); // Tasks of versions.
  const own = runOf(context);
  const rows = [...versions.keys()].flatMap((version) => results.filter((result) => result?.version === version));
  return {
    versions: rows.flatMap((row) => {
      if (row === undefined) return [];
      const { run, ...outcome } = row;
      return [{ ...outcome, ...(run === undefined || run === own ? {} : { status: "cached" }) }];
    }),
  };
}

/** The run of bt that a task belongs to: the first part of the cookie that its processes carry. */
export function runOf({ env }: Pick<Context, "env">): string {
  return (env["BT_TASK_COOKIE"] ?? "").split("/")[0] ?? "";
}
