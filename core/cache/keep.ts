/** Which tasks' results are kept by key. Pure; does not know which caches there are. */
import type { Node } from "../graph.ts";
import { isGlob, outputPath } from "../paths.ts";

/** More is kept only by the wish of the task. */
export interface KeepLimits {
  readonly sizeBytes: number;
  readonly files: number;
}

/** Whether a task's result is all in its outputs and its value, and depends on nothing but its key. */
export function isKept(node: Node): boolean {
  return whyUnkept(node) === undefined;
}

/** Why no cache keeps a task's result, as a clause. Undefined: caches do. */
export function whyUnkept({ task, outputs, isGroup }: Node): string | undefined {
  if (isGroup || task.run === undefined) return "it does nothing itself";
  if (task.service !== undefined) return "it is a service";
  if (task.inputs === undefined) return "it declares no inputs";
  if (task.always === true) return "it always runs";
  if (task.cache === false) return "it has `cache: false`";
  if (outputs.some(isElsewhere)) return "it has an output outside of the project";
  if (task.cache === true) return undefined;
  // What it leaves besides, what was there before, or what a person typed may matter.
  if (task.status !== undefined) return "it has a status check, and no `cache: true`";
  if (task.clean === "keep") return 'it has `clean: "keep"`, and no `cache: true`';
  if ([task.pool ?? []].flat().includes("console")) return "it uses the terminal, and has no `cache: true`";
  return outputs.length > 0 ? undefined : "it declares no outputs, and has no `cache: true`";
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
