/** Loads a family again: after its table was edited, or as it was in another commit. Does not know what for. */
import * as fs from "node:fs";
import * as path from "node:path";
import { loadProject } from "../../../core/index.ts";
import type { Family } from "./options.ts";
import { findFamily } from "./role.ts";

/** The family called `name` of the project in `folder`. Undefined: that project has none. */
export async function loadFamily(
  folder: string,
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<Family | undefined> {
  const cwd = process.cwd(); // Loading makes the project's folder the working one.
  try {
    const { builder } = await loadProject({ cwd: folder, env, build: "reload", ownModule, mayWrite: false });
    return (builder.plugins ?? []).flatMap((plugin) => findFamily(plugin) ?? []).find((family) => family.name === name);
  } finally {
    process.chdir(cwd);
  }
}

/** bt's own modules, the very ones that are loaded: a second copy would not know the first one's families. */
function ownModule(specifier: string): Promise<object> | undefined {
  const [, plugin] = /^builderfile\/plugins\/([\w-]+)$/.exec(specifier) ?? [];
  if (specifier === "builderfile") return import(path.join(findDist(), "core/index.js"));
  return plugin === undefined ? undefined : import(path.join(findDist(), "plugins", plugin, "index.js"));
}

/** The folder of the built program: above this file, or beside its sources. */
function findDist(): string {
  for (let folder = import.meta.dirname; ; folder = path.dirname(folder)) {
    const place = [folder, path.join(folder, "dist")].find((one) => fs.existsSync(path.join(one, "bt.cjs")));
    if (place !== undefined) return place;
    if (folder === path.dirname(folder)) throw new Error("bt's own program is not there");
  }
}
