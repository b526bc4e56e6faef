/** `--clean`: removes what tasks have made, and what is remembered of it. Does not know who asked for it. */
import * as path from "node:path";
import { removeOutputs } from "./outputs.ts";
import { expandPaths, fileNameOf } from "./files.ts";
import type { Node } from "./graph.ts";
import { acquireLock } from "./lock.ts";
import { isGlob } from "./paths.ts";
import { openState } from "./state.ts";

/** Returns the ids of the tasks of which something was there. Their results in caches stay. */
export async function cleanTasks(
  root: string,
  nodes: readonly Node[],
  { mayWrite }: { readonly mayWrite: boolean },
): Promise<readonly string[]> {
  const folder = path.join(root, ".bt");
  const state = openState(folder, { readOnly: !mayWrite });
  const cleaned: string[] = [];
  for (const node of [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const lock = mayWrite ? await acquireLock(path.join(folder, "locks", fileNameOf(node.id))) : undefined;
    const record = state.find(node.id);
    if (record !== undefined && mayWrite) state.append({ id: node.id, gone: "cleaned" });
    const inputs = expandPaths(root, [...(node.inputs ?? [])], isGlob);
    const isChanged = removeOutputs(root, node, { inputs, isDry: !mayWrite });
    if (isChanged || (record !== undefined && node.outputs.length > 0)) cleaned.push(node.id);
    lock?.release();
  }
  state.sync();
  state.close();
  return cleaned;
}
