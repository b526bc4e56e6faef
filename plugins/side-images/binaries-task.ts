/** Compiles the binaries of one cell in its own work tree. Does not know images. */
import { existsSync } from "node:fs";
import { access, constants, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Arch } from "../../core/index.ts";
import { findArch } from "./arch.ts";
import { targetArch, type Cell } from "./cell.ts";
import { treeFailed } from "./errors.ts";
import type { FetchedSource, TreeResult } from "./result.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { cacheOf } from "./source.ts";
import { userEnvironment } from "./user-env.ts";
import { describeBin, makeTree, markTree, treeFolder } from "./tree.ts";

/** Scripts use `git stash`, which wants to know who they are. */
const identity = {
  GIT_AUTHOR_NAME: "bt",
  GIT_AUTHOR_EMAIL: "bt@localhost",
  GIT_COMMITTER_NAME: "bt",
  GIT_COMMITTER_EMAIL: "bt@localhost",
};

/** Makes the tree and runs `build_binaries ARCH` in it, when a source is known and the script is executable. */
export async function buildBinaries(context: SideContext, site: Site, component: string): Promise<TreeResult> {
  const { root, log, needs, isDryRun, key } = context;
  const plan = planOf(site);
  const cell = (await plan.cell(component, findArch(context.cell["arch"] ?? "") as Arch))!; // The graph tap has planned it.
  const fetched = (needs["source"] ?? {}) as FetchedSource; // The result of the source task.
  const { source } = fetched;
  const done = isDryRun ? () => {} : await site.slots!.take(context.signal);
  try {
    if (isDryRun) {
      await run(context, cell, { folder: treeFolder(cell), shell: site.options.binariesShell, version: "VERSION" });
      return { folder: treeFolder(cell), digest: "", files: [] };
    }
    const folder = await makeTree(context, plan, cell, { cache: cacheOf(root, site), ...fetched }).catch(
      (error: unknown) => {
        throw (error as NodeJS.ErrnoException).syscall === undefined ? error : treeFailed(cell.id, error);
      },
    );
    const isLocal = site.options.source?.useLocal === true && existsSync(join(root, folder, "src"));
    if (await isWanted(context, cell, { folder, hasSource: source !== undefined || isLocal }))
      await run(context, cell, { folder, shell: site.options.binariesShell, version: source?.version ?? "" });
    const found = await describeBin(join(root, folder));
    await markTree(join(root, folder), key);
    log.info(`[${cell.id}] ${found.files.length === 0 ? "no binaries" : `bin/${found.files.join(" bin/")}`}`);
    const isAllUsed = cell.kind === "dockerfile" && cell.copiesSource;
    return { folder, ...found, ...(isAllUsed && { of: key }), ...(source && { source }) };
  } finally {
    done();
  }
}

async function isWanted(
  { root, log }: SideContext,
  { id }: Cell,
  { folder, hasSource }: { readonly folder: string; readonly hasSource: boolean },
): Promise<boolean> {
  const script = join(root, folder, "build_binaries");
  if (!existsSync(script)) return false;
  if (!hasSource) {
    log.warn(`[${id}] build_binaries is not run: no source is known`);
    return false;
  }
  const isExecutable = await access(script, constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!isExecutable) log.warn(`[${id}] build_binaries is not run: it is not executable`);
  return isExecutable;
}

async function run(
  { exec, root }: SideContext,
  cell: Cell,
  how: { readonly folder: string; readonly shell: "sh" | "bash" | undefined; readonly version: string },
): Promise<void> {
  const { folder, shell = "sh", version } = how;
  const first = await readFile(join(root, folder, "build_binaries"), "utf8").catch(() => "");
  const words = ["./build_binaries", cell.suffix];
  const [program = "", ...args] = shell === "bash" && asksForSh(first) ? ["bash", ...words] : words;
  const arch = targetArch(cell);
  const ceiling = join(root, folder);
  const env = {
    ...userEnvironment(),
    ARCH: arch,
    TARGETARCH: arch,
    VERSION: version,
    ...identity,
    GIT_CEILING_DIRECTORIES: ceiling,
  };
  await exec(program, args, { cwd: folder, env });
}

/** Whether a script's first line is `#!/bin/sh`. */
export function asksForSh(text: string): boolean {
  return /^#!\s*(\/usr)?\/bin\/(env )?sh\b/.test(text);
}

/** The lines of a script that mean something else in sh than in bash: `==` inside `[`. Empty: sh is bash here. */
export async function findBashisms(file: string): Promise<readonly number[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (!asksForSh(text) || (await realpath("/bin/sh").catch(() => "")).endsWith("bash")) return [];
  return text.split("\n").flatMap((line, at) => (/(^|[\s;&|!])\[\s[^\]]*==/.test(line) ? [at + 1] : []));
}
