/** What a run was asked for, written down so that the same can be asked again. Pure; does not know how it ended. */
import type { Assignment } from "./assign.ts";
import { commandText } from "./command-line.ts";
import { paramText } from "./environment.ts";
import type { Graph } from "./graph.ts";
import { variableName } from "./params.ts";
import type { BuildRequest, Prepared } from "./prepare.ts";
import type { RunFacts } from "./record.ts";

/** How bt was called. */
export interface Call {
  /** Words after `bt`. */
  readonly words: readonly string[];
  /** Version of bt. */
  readonly version: string;
}

/** For the record: secrets are masked, or left out. */
export function describeCall(
  { graph, secrets }: Pick<Prepared, "graph" | "secrets">,
  { selection, rest }: Pick<BuildRequest, "selection" | "rest">,
  { words, version }: Call = { words: [], version: "" },
): RunFacts {
  return {
    command: secrets.hide(words.map((word) => commandText({ file: word, args: [] })).join(" ")),
    selection,
    rest: rest.map(secrets.hide),
    params: outsideParams(graph, secrets.hide),
    versions: { bt: version, node: process.version },
  };
}

/** What came from the command line, make or the environment, but no value with a secret in it. */
function outsideParams(graph: Graph, hide: (text: string) => string): RunFacts["params"] {
  const params: Record<string, Record<string, string>> = {};
  for (const { name, task, params: bound } of graph.nodes.values())
    for (const [param, { value, source }] of Object.entries(bound)) {
      const declared = task.params?.[param];
      if (declared === undefined || declared.kind === "secret" || value === undefined) continue;
      if (source !== "command line" && source !== "make" && source !== "environment") continue;
      const text = paramText(value);
      if (hide(text) === text) params[name] = { ...params[name], [variableName(param, declared)]: text };
    }
  return params;
}

/** The same selection, words and values; secrets have to be given again. */
export function repeatCall({
  selection,
  rest,
  params,
}: Pick<RunFacts, "selection" | "rest" | "params">): Pick<BuildRequest, "selection" | "rest" | "assignments"> {
  const assignments = Object.entries(params).flatMap(([task, values]) =>
    Object.entries(values).map(([name, value]): Assignment => ({ task, name, value })),
  );
  return { selection, rest, assignments };
}
