/** Processes of a bt that was killed: each bt whose processes may outlive a run says so, and whoever comes later ends those of one that is gone. */
import * as fs from "node:fs";
import * as path from "node:path";
import { killByCookie } from "./exec.ts";
import { makeFolder } from "./files.ts";
import { removePath } from "./remove.ts";
import { findPresence, processName } from "./owner.ts";

/** Says that processes whose cookies start with this run are ours. Returns what takes it back. */
export function claimProcesses(root: string, run: string): () => void {
  const folder = folderOf(root);
  const claim = path.join(folder, `${processName()}:${run}`); // The name says it all: it is never half written.
  makeFolder(folder);
  fs.writeFileSync(claim, "");
  return () => removePath(claim);
}

/** Ends what a bt has left in this project that was killed. Those of another container cannot be seen, and stay. */
export function endOrphans(root: string): void {
  const folder = folderOf(root);
  for (const name of listNames(folder)) {
    const [owner = "", run] = name.split(":");
    if (run === undefined || findPresence(owner) !== "gone") continue;
    killByCookie(`${run}/`);
    removePath(path.join(folder, name));
  }
}

function folderOf(root: string): string {
  return path.join(root, ".bt", "services");
}

function listNames(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return []; // None has ever been claimed.
  }
}
