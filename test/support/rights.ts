/** Programs without the rights of root. */
import { spawnSync } from "node:child_process";

/** What makes a program run as nobody where the user is root, who may read and write everywhere. */
export function dropRights(): readonly string[] {
  return process.getuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
}

/** Whether it works: root may lack the right to it. */
export function canDropRights(): boolean {
  return spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "true"]).status === 0;
}
