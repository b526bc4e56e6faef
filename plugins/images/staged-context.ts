/** A context as docker may read it: a folder of links, ignored files left out. Does not start docker. */
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openContext } from "./context.ts";
import type { PreparedBuild } from "./engine-request.ts";
import { loadIgnoreRules } from "./ignore.ts";
import { linkFile } from "./prepared-build.ts";
import { walkTree } from "./tree.ts";

/** Makes the folder, below that of the build: the classic builder knows one ignore file only. */
export async function stageContext({ request, folder }: PreparedBuild): Promise<string> {
  const { dockerfile, context } = request;
  const tree = await openContext(context, await loadIgnoreRules(dockerfile, context));
  const dir = join(folder, "context");
  await mkdir(dir);
  for await (const [path, node] of walkTree(tree, "")) {
    const to = join(dir, path);
    if (path === "" || path === ".dockerignore") continue;
    if (node.kind === "folder") await mkdir(to);
    if (node.kind === "link") await symlink(node.target, to);
    if (node.kind === "file" && node.content.kind === "path") await linkFile(node.content.path, to);
  }
  // All rules are obeyed already; docker adds a name by chance to this file, which must not reach the image.
  await writeFile(join(dir, ".dockerignore"), ".dockerignore\n");
  return dir;
}
