/** Which tasks' results are kept by key. Pure; does not know which caches there are. */
import type { Node } from "../graph.ts";
import { isGlob, outputPath } from "../paths.ts";

/** More is kept only by the wish of the task. */
export interface KeepLimits {
  readonly sizeBytes: number;
  readonly files: number;
}

/** Whether a task's result is all in its outputs and its value, and depends on nothing but its key. */
export function isKept({ task, outputs, isGroup }: Node): boolean {
  if (
    isGroup ||
    task.run === undefined ||
    task.service !== undefined ||
    task.inputs === undefined ||
    task.always === true
  )
    return false;
  if (task.cache !== undefined) return task.cache && !outputs.some(isElsewhere);
  const isInteractive = [task.pool ?? []].flat().includes("console");
  // What it leaves besides, what was there before, or what a person typed may matter.
  if (task.status !== undefined || task.clean === "keep" || isInteractive) return false;
  return outputs.length > 0 && !outputs.some(isElsewhere);
}

function isElsewhere(declared: string): boolean {
  const { path } = outputPath(declared);
  return path === "" || path === "." || path.startsWith("/") || path === ".." || path.startsWith("../");
}

/** Whether a folder that is kept whole holds inputs too: restoring it would undo their edits. */
export function holdsInputs({ outputs }: Node, inputs: readonly string[]): boolean {
  const folders = outputs
    .filter((declared) => !isGlob(declared) || declared.endsWith("/**"))
    .map((declared) => `${outputPath(declared).path.replace(/^\.\//, "")}/`);
  return inputs.some((input) => folders.some((folder) => input.startsWith(folder)));
}

/** What is kept without being asked for, when so much may be kept in all. */
export function limitsOf({ task }: Node, sizeBytes: number): KeepLimits {
  return task.cache === true
    ? { sizeBytes: sizeBytes / 2, files: 1_000_000 }
    : { sizeBytes: sizeBytes / 10, files: 10_000 };
}
