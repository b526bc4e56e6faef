/** Gets the source of a kernel: git, tarball, Debian package or a folder. Does not configure or build it. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { Context, Versions } from "../../core/index.ts";
import { digestWrong, sourceForeign } from "./errors.ts";
import { urlMissing } from "./data-errors.ts";
import type { Kernel } from "./family.ts";
import type { KernelSource } from "./options.ts";
import { sourceDir } from "./places.ts";
import type { FetchedKernel } from "./result.ts";
import type { Shop } from "./shop.ts";
import { needTools } from "./tools.ts";

type GitSource = Extract<KernelSource, { kind: "git" }>;

/** What the source is now: the commit of a branch, the stamps of a folder; and its age. Undefined: it cannot be told, then it counts as before. */
export async function findVersions(shop: Shop, name: string): Promise<Versions> {
  const { source, maxAge } = (await shop.family()).kernels.get(name) ?? {};
  const now = Date.now();
  // It changes when so many days have passed, at the same moment for everybody.
  const age = maxAge === undefined ? {} : { "its age": String(maxAge > 0 ? Math.floor(now / (maxAge * dayMs)) : now) };
  return { ...age, ...(await findCommit(source)) };
}

const dayMs = 86_400_000;

async function findCommit(source: KernelSource | undefined): Promise<Versions> {
  if (source?.kind === "local-dir") return { [source.path]: stampsOf(source.path) };
  if (source?.kind !== "git") return {};
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const asked = promisify(execFile)("git", ["ls-remote", source.url, `refs/heads/${source.branch}`], {
    env,
    timeout: 20_000,
  });
  const commit = await asked.then(({ stdout }) => /^[0-9a-f]{40}/.exec(stdout)?.[0]).catch(() => undefined);
  return { [`${source.url}#${source.branch}`]: commit };
}

/** Names, sizes and times of all files. */
function stampsOf(folder: string): string | undefined {
  const hash = createHash("sha256");
  const walk = (dir: string): void => {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const file = path.join(dir, entry.name);
      if (entry.isDirectory() && entry.name !== ".git") walk(file);
      else if (entry.isFile()) hash.update(`${file} ${fs.statSync(file).size} ${fs.statSync(file).mtimeMs}\n`);
    }
  };
  try {
    walk(folder);
    return hash.digest("hex").slice(0, 16);
  } catch {
    return undefined; // Fetching says why.
  }
}

/** The source tree, as new as its origin. */
export async function fetchKernel(context: Context, kernel: Kernel, shop: Shop): Promise<FetchedKernel> {
  const dir = sourceDir(shop, kernel.name);
  const { source } = kernel;
  switch (source?.kind) {
    case undefined:
      throw urlMissing(kernel.name, kernel.at);
    case "src-rpm":
      throw sourceForeign(kernel.name, "a source rpm");
    case "local-dir":
      return withState({ dir: source.path }, context.isDryRun ? undefined : stampsOf(source.path));
    case "git": {
      needTools(context, "git");
      await (source.depth === undefined
        ? oneAtATime(shop.dataDir, () => fetchShared(context, kernel.name, source, shop))
        : fetchShallow(context, dir, source));
      const { stdout } = await context.exec("git", ["-C", dir, "rev-parse", "HEAD"], { show: false });
      // What an earlier patch has added is not git's.
      if (kernel.patches !== undefined) await context.exec("git", ["-C", dir, "clean", "-fdq"]);
      return withState({ dir, commit: stdout.trim() }, await applyPatches(context, kernel, dir));
    }
    case "tarball":
      await unpack(context, dir, await getTarball(context, source, shop));
      return withState({ dir }, source.sha256, await applyPatches(context, kernel, dir));
    case "own":
      await fill(context, dir, shop.options.extend?.sourceKinds?.[source.type]?.(source.op) ?? "");
      break;
    case "debian-source":
      await unpack(context, dir, await getDebianTarball(context, source.package));
      break;
  }
  await applyPatches(context, kernel, dir);
  return withState({ dir }, context.isDryRun ? undefined : stampsOf(path.join(context.root, dir)));
}

/** What is built from a tree is built again when one of these has changed. */
function withState(fetched: FetchedKernel, ...states: readonly (string | undefined)[]): FetchedKernel {
  const state = states.filter((one) => one !== undefined).join(" ");
  return state === "" ? fetched : { ...fetched, state };
}

/** A shallow clone of its own, moved to what the branch is now. */
async function fetchShallow({ root, exec }: Context, dir: string, { url, branch, depth }: GitSource): Promise<void> {
  if (!fs.existsSync(path.join(root, dir, ".git"))) {
    await exec("git", ["clone", "--depth", String(depth), "--branch", branch, url, dir]);
    return;
  }
  await exec("git", ["-C", dir, "fetch", "--depth", String(depth), url, branch]);
  await exec("git", ["-C", dir, "reset", "--hard", "FETCH_HEAD"]);
}

/** A worktree of the repository that all kernels without a depth share. */
async function fetchShared(
  { root, exec }: Context,
  name: string,
  { url, branch }: GitSource,
  shop: Shop,
): Promise<void> {
  const dir = sourceDir(shop, name);
  const shared = path.join(shop.dataDir, "kernels", "git");
  const git = async (...args: string[]): Promise<unknown> => await exec("git", ["--git-dir", shared, ...args]);
  if (!fs.existsSync(path.join(root, shared))) await exec("git", ["init", "--bare", shared]);
  const { stdout } = await exec("git", ["--git-dir", shared, "remote"], { show: false });
  if (stdout.split("\n").includes(name)) {
    await git("remote", "set-url", name, url);
    await git("remote", "set-branches", name, branch);
    await git("fetch", name);
  } else await git("remote", "add", "-f", "-t", branch, name, url);
  if (fs.existsSync(path.join(root, dir, ".git")))
    await exec("git", ["-C", dir, "reset", "--hard", `${name}/${branch}`]);
  else await git("worktree", "add", "-B", `lvh-${name}`, "--track", dir, `${name}/${branch}`);
}

const queues = new Map<string, Promise<unknown>>();

/** Git refuses two writers of one repository instead of letting the second wait. */
async function oneAtATime<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const mine = before.then(work, work);
  queues.set(
    key,
    mine.catch(() => {}),
  );
  return await mine;
}

/** @throws BtError KERNEL_ROOTFS_DIGEST_WRONG */
async function getTarball(
  { root, exec, isDryRun }: Context,
  { from, sha256 }: Extract<KernelSource, { kind: "tarball" }>,
  { dataDir }: Shop,
): Promise<string> {
  const isRemote = /^https?:/.test(from);
  const file = isRemote ? path.join(dataDir, "kernels", path.basename(new URL(from).pathname)) : from;
  if (isRemote && !fs.existsSync(path.join(root, file))) {
    if (!isDryRun) fs.mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
    await exec("curl", ["-fsSL", "-o", `${file}.partial`, from]);
    if (!isDryRun) fs.renameSync(path.join(root, `${file}.partial`), path.join(root, file));
  }
  if (isDryRun) return file;
  const hash = createHash("sha256");
  await pipeline(fs.createReadStream(path.resolve(root, file)), hash);
  const found = hash.digest("hex");
  if (found !== sha256) throw digestWrong(file, sha256, found);
  return file;
}

/** The tarball in /usr/src if the package is installed, otherwise out of the package itself. */
async function getDebianTarball({ exec, tempDir, isDryRun }: Context, name: string): Promise<string> {
  const installed = `/usr/src/${name}.tar.xz`;
  if (fs.existsSync(installed)) return installed;
  const folder = isDryRun ? "/tmp/bt" : await tempDir();
  await exec("apt-get", ["download", name], { cwd: folder });
  const [deb = `${name}.deb`] = isDryRun ? [] : fs.readdirSync(folder).filter((file) => file.endsWith(".deb"));
  await exec("dpkg-deb", ["-x", deb, "files"], { cwd: folder });
  return path.join(folder, "files", installed);
}

async function unpack(context: Context, dir: string, tarball: string): Promise<void> {
  await replaceTree(context, dir, async (partial) => {
    await context.exec("tar", ["-x", "--strip-components=1", "-C", partial, "-f", tarball]);
  });
}

/** A line of the project's own makes the files. */
async function fill(context: Context, dir: string, line: string): Promise<void> {
  await replaceTree(context, dir, async (partial) => {
    await context.exec("sh", ["-euc", line], { cwd: partial });
  });
}

/** A new tree beside the old one, which it replaces when it is whole. */
async function replaceTree(
  { root, isDryRun }: Context,
  dir: string,
  make: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = `${dir}.partial`;
  const remove = (folder: string): void => fs.rmSync(path.join(root, folder), { recursive: true, force: true });
  if (isDryRun) return await make(partial);
  remove(partial);
  fs.mkdirSync(path.join(root, partial), { recursive: true });
  try {
    await make(partial);
  } catch (error) {
    remove(partial);
    throw error;
  }
  remove(dir);
  fs.renameSync(path.join(root, partial), path.join(root, dir));
}

/** Resolves to a digest of all of them. */
async function applyPatches(
  { root, exec, isDryRun }: Context,
  { patches }: Kernel,
  dir: string,
): Promise<string | undefined> {
  if (patches === undefined) return undefined;
  const folder = path.dirname(patches);
  const end = path.basename(patches).replace("*", "");
  const names = fs.readdirSync(path.join(root, folder)).filter((name) => name.endsWith(end));
  const hash = createHash("sha256");
  for (const name of names.sort()) {
    await exec("patch", ["-p1", "-d", dir, "-i", path.join(root, folder, name)]);
    if (!isDryRun) hash.update(fs.readFileSync(path.join(root, folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}
