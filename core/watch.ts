/** Waits until something changes that tasks have declared. Looks again and again, which works on every file system; does not know what is run then. */
import * as path from "node:path";
import { isGroupNode } from "./decide.ts";
import { expandPaths, findStat } from "./files.ts";
import { isGlob, outputPath } from "./paths.ts";
import type { Prepared } from "./prepare.ts";

/** Absolute path to what its stat says. */
export type Sight = ReadonlyMap<string, string>;

/** Shortest time between two looks, in milliseconds; looking takes a tenth of the time at most. */
const pollMs = 200;

/** A look at the declared inputs of all tasks of a run, and at what the builderfile is made of; outputs of the tasks do not count. */
export function createLook({ project, graph }: Pick<Prepared, "project" | "graph">): () => Sight {
  const { root, manifest } = project;
  const nodes = [...graph.nodes.values()].filter((node) => !isGroupNode(node));
  const outputs = nodes.flatMap((node) => node.outputs.map(outputPath));
  const isOutput = (file: string): boolean =>
    outputs.some(({ path: output, isFolder }) => file === output || (isFolder && file.startsWith(`${output}/`)));
  const sources = manifest.stamps.map(([file]) => file);
  return () => {
    const inputs = nodes.flatMap((node) => expandPaths(root, node.inputs ?? [], isGlob));
    const files = new Set([
      ...sources,
      ...inputs.filter((file) => !isOutput(file)).map((file) => path.resolve(root, file)),
    ]);
    return new Map([...files].map((file) => [file, stampText(file)]));
  };
}

function stampText(file: string): string {
  const stat = findStat(file);
  if (stat === undefined) return "missing";
  return stat.isDirectory() ? "folder" : `${stat.size} ${stat.mtimeMs} ${stat.ctimeMs} ${stat.ino}`;
}

/** What is not as it was before, once nothing more changes. @throws the reason of the signal */
export async function waitForChange(look: () => Sight, before: Sight, signal: AbortSignal): Promise<readonly string[]> {
  for (let last = before; ;) {
    const startMs = performance.now();
    const now = look();
    const isStill = differences(last, now).length === 0;
    const changed = differences(before, now);
    if (isStill && changed.length > 0) return changed;
    last = now;
    await pause(Math.max(pollMs, 10 * (performance.now() - startMs)), signal);
  }
}

function differences(before: Sight, now: Sight): readonly string[] {
  return [...new Set([...before.keys(), ...now.keys()])].filter((file) => before.get(file) !== now.get(file)).sort();
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => (clearTimeout(timer), reject(signal.reason));
    const timer = setTimeout(() => (signal.removeEventListener("abort", stop), resolve()), ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
