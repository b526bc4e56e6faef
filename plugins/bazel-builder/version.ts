/** What a builder's version is made of: the clock, the commit, whether something is uncommitted. Starts git only when a task runs. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Context, Evidence } from "../../core/index.ts";
import { commitMissing } from "./errors.ts";
import type { VersionFacts } from "./options.ts";

/** `2501021530-0a1b2c3`: local time to the minute, and the commit. */
export function defaultVersion({ now, commit }: Pick<VersionFacts, "now" | "commit">): string {
  const two = (value: number): string => String(value % 100).padStart(2, "0");
  const day = `${two(now.getFullYear())}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}${two(now.getHours())}${two(now.getMinutes())}-${commit}`;
}

/** The commit that is checked out, read from git's files. Undefined: none, or they are of a kind that only git reads. */
export async function findCommit(root: string, read: Read = readText): Promise<string | undefined> {
  const dir = await findGitDir(root, read);
  if (dir === undefined) return undefined;
  const common = resolve(dir, ((await read(join(dir, "commondir"))) ?? ".").trim());
  let text = (await read(join(dir, "HEAD")))?.trim();
  for (let links = 0; text?.startsWith("ref: ") === true && links < 5; links++) {
    const name = text.slice("ref: ".length);
    text = ((await read(join(common, name))) ?? findPacked(await read(join(common, "packed-refs")), name))?.trim();
  }
  return text !== undefined && /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}

/** What findCommit() has read. */
export async function findCommitEvidence(root: string): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  await findCommit(root, async (path) => {
    const text = await readText(path);
    found.push(text === undefined ? { kind: "absent", path } : { kind: "text", path, text });
    return text;
  });
  return found;
}

/** Undefined: it is not there. */
type Read = (file: string) => Promise<string | undefined>;

/** Commit, its short form, and whether something is not committed. Files of `outDir` and `.bt` do not count. */
export async function readSource(
  { exec, root }: Pick<Context, "exec" | "root">,
  outDir: string,
): Promise<{ readonly commit: string; readonly short: string; readonly dirty: boolean } | undefined> {
  const quiet = { show: false, allowedCodes: [0, 128] } as const;
  const commit = await exec("git", ["-C", root, "rev-parse", "HEAD"], quiet);
  if (commit.exitCode !== 0) return undefined;
  const short = await exec("git", ["-C", root, "rev-parse", "--short", "HEAD"], quiet);
  const ours = [`:(exclude)${outDir}`, ":(exclude).bt"];
  const status = await exec("git", ["-C", root, "status", "--porcelain", "--", ".", ...ours], quiet);
  return { commit: commit.stdout, short: short.stdout, dirty: status.stdout !== "" };
}

/** @throws BtError BAZEL_BUILDER_COMMIT */
export function needCommit<T>(source: T | undefined): T {
  if (source === undefined) throw commitMissing();
  return source;
}

async function findGitDir(root: string, read: Read): Promise<string | undefined> {
  for (let folder = root; ; folder = resolve(folder, "..")) {
    const git = join(folder, ".git");
    if ((await read(join(git, "HEAD"))) !== undefined) return git;
    // A worktree or submodule has a file that names the folder.
    const link = /^gitdir: (.+)$/m.exec((await read(git)) ?? "")?.[1];
    if (link !== undefined) return resolve(folder, link);
    if (folder === resolve(folder, "..")) return undefined;
  }
}

function findPacked(text: string | undefined, name: string): string | undefined {
  return (text ?? "")
    .split("\n")
    .find((line) => line.endsWith(` ${name}`))
    ?.split(" ")[0];
}

async function readText(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
