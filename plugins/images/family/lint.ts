/** Checks the shell scripts of a project with shellcheck. Does not know what they are for. */
import * as fs from "node:fs";
import * as path from "node:path";
import { findTool, type Context } from "../../../core/index.ts";
import { toolMissing } from "./errors.ts";

/** Folders that hold other people's scripts. */
const skipped = new Set([".git", ".bt", "node_modules"]);

/** @throws BtError IMAGES_FAMILY_TOOL, COMMAND_FAILED */
export async function lint({ root, env, exec, log }: Pick<Context, "root" | "env" | "exec" | "log">): Promise<void> {
  if (findTool("shellcheck", env["PATH"] ?? "") === undefined) throw toolMissing("shellcheck", "shellcheck");
  const scripts = findScripts(root, "");
  if (scripts.length === 0) log.info("There is no *.sh file");
  else await exec("shellcheck", scripts);
}

function findScripts(root: string, folder: string): readonly string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : findScripts(root, name);
    return entry.isFile() && entry.name.endsWith(".sh") ? [`./${name}`] : [];
  });
}
