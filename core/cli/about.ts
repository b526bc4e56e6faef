/** What one task is made of and how it last ended, beneath its help. Runs nothing; does not know its params. */
import { isBtError } from "../errors.ts";
import type { Graph, Node } from "../graph.ts";
import type { Project } from "../load.ts";
import type { Paint } from "../paint.ts";
import { outlineGraph } from "../prepare.ts";
import { findRun } from "../record.ts";
import { renderDuration } from "../report/duration.ts";
import { listRuns } from "../runs.ts";
import { shorten } from "./list.ts";

/** How many lines of each kind are shown. */
const shownLines = 12;

/** Needs, inputs and outputs with params as by default, and the last run. Empty: nothing can be told. */
export async function renderAbout(project: Project, name: string, paint: Paint): Promise<string> {
  const graph = await outlineOf(project);
  const nodes = [...(graph?.nodes.values() ?? [])].filter((node) => node.name === name);
  const parts: readonly (readonly [title: string, lines: readonly string[]])[] = [
    ["Needs", needsOf(nodes)],
    ["Inputs", unique(nodes.flatMap(({ inputs }) => inputs ?? []))],
    ["Outputs", unique(nodes.flatMap(({ outputs }) => outputs))],
    ["Last run", lastRun(project.root, name)],
  ];
  return parts
    .filter(([, lines]) => lines.length > 0)
    .map(
      ([title, lines]) =>
        `\n${paint.strong(title)}\n${shorten(lines, shownLines)
          .map((line) => `  ${line}\n`)
          .join("")}`,
    )
    .join("");
}

/** The help of a task does not depend on the mistakes of others. */
async function outlineOf(project: Project): Promise<Graph | undefined> {
  try {
    return await outlineGraph(project);
  } catch (error) {
    if (isBtError(error)) return undefined;
    throw error;
  }
}

/** The cells of one task count as that task. */
function needsOf(nodes: readonly Node[]): readonly string[] {
  const own = new Set(nodes.map(({ id }) => id));
  return unique(nodes.flatMap(({ edges }) => edges.map(({ to }) => to)).filter((to) => !own.has(to)));
}

/** The newest run that had the task, or, of a matrix task, its cells. */
function lastRun(root: string, name: string): readonly string[] {
  for (const run of listRuns(root)) {
    const ended = Object.entries(findRun(root, run)?.tasks ?? {}).filter(
      ([id, { outcome }]) => outcome !== "group" && (id === name || id.startsWith(`${name}:`)),
    );
    if (ended.length === 0) continue;
    return ended
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { outcome = "did not end", durationMs }]) => {
        const time = outcome === "ran" || outcome === "failed" ? ` in ${renderDuration(durationMs ?? 0)}` : "";
        return `${id === name ? "" : `${id}  `}${outcome}${time}, run ${run}`;
      });
  }
  return [];
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
