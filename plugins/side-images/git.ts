/** The cache of repositories: one bare repository for each URL, fetched only for commits it does not have. Does not know components. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Context, Place } from "../../core/index.ts";
import { withLock } from "../multiarch-manifest/index.ts";
import { userEnvironment } from "./user-env.ts";
import { commitMissing, commitOffline, sourceMalformed } from "./errors.ts";

type Desk = Pick<Context, "exec" | "defer" | "isDryRun" | "hide" | "signal">;

/** What to have. */
export interface WantedCommit {
  readonly component: string;
  readonly repo: string;
  readonly commit: string;
  readonly at: Place;
}

/** Never asks for a password, and never looks for a repository above the folder it is given. */
const calm = { GIT_TERMINAL_PROMPT: "0", GIT_CEILING_DIRECTORIES: "/", GIT_DIR: undefined, GIT_WORK_TREE: undefined };
const quiet = (): Readonly<Record<string, string | undefined>> => ({ ...userEnvironment(), ...calm });

/** @throws BtError SIDE_IMAGES_SOURCE_MALFORMED */
export function checkWanted({ component, repo, commit, at }: WantedCommit): void {
  if (!/^[^\s-]\S*$/.test(repo)) throw sourceMalformed(component, "repo", maskUrl(repo), at);
  if (!/^([0-9a-f]{7,40}|[A-Za-z0-9][\w./+-]*)$/.test(commit) || commit.includes(".."))
    throw sourceMalformed(component, "commit", commit, at);
}

/** Path of the bare repository of a URL. */
export function bareRepository(cache: string, url: string): string {
  return join(cache, `${createHash("sha256").update(url).digest("hex")}.git`);
}

/**
 * Has the commit in the cache; resolves to the commit's full name and its version. Without a fetch when it is there.
 * @throws BtError SIDE_IMAGES_COMMIT_MISSING, SIDE_IMAGES_OFFLINE
 */
export async function takeCommit(
  desk: Desk,
  wanted: WantedCommit,
  { cache, isOffline }: { readonly cache: string; readonly isOffline: boolean },
): Promise<{ readonly commit: string; readonly version: string }> {
  const dir = bareRepository(cache, wanted.repo);
  const work = (): ReturnType<typeof take> => take(desk, wanted, { dir, isOffline });
  // Two components, or two bts, may have the same repository.
  return desk.isDryRun ? work() : withLock(`${dir}.lock`, work, { signal: desk.signal });
}

async function take(
  desk: Desk,
  { repo, commit, at }: WantedCommit,
  { dir, isOffline }: { readonly dir: string; readonly isOffline: boolean },
): Promise<{ readonly commit: string; readonly version: string }> {
  const { url, secrets, env } = splitUrl(repo);
  for (const secret of secrets) if (Buffer.byteLength(secret) >= 4) desk.hide(secret); // Shorter ones cannot be hidden.
  if (desk.isDryRun) {
    await desk.exec("git", ["-C", dir, "fetch", "--quiet", "--tags", url, commit]);
    return { commit, version: "" };
  }
  await createBare(desk, dir);
  const shown = maskUrl(repo);
  const output: string[] = [];
  const full = await findCommit(desk, dir, commit);
  if (full === undefined) {
    if (isOffline) throw commitOffline(commit, shown, at);
    for (const refs of [[commit], ["+refs/heads/*:refs/heads/*"]]) {
      const { stderr } = await git(desk, dir, ["fetch", "--quiet", "--tags", "--force", url, ...refs], env);
      output.push(...stderr.split("\n").filter((line) => line !== ""));
      if ((await findCommit(desk, dir, commit)) !== undefined) break;
    }
  }
  const found = full ?? (await findCommit(desk, dir, commit)) ?? (await findFetched(desk, dir, commit));
  if (found === undefined) throw commitMissing(commit, shown, at, [...new Set(output)].slice(-5));
  const { stdout } = await git(desk, dir, ["describe", "--tags", "--always", found]);
  return { commit: found, version: stdout.trim() };
}

async function createBare(desk: Desk, dir: string): Promise<void> {
  if (existsSync(join(dir, "HEAD"))) return;
  const staged = `${dir}.${process.pid}`;
  await mkdir(dirname(dir), { recursive: true });
  desk.defer(() => rm(staged, { recursive: true, force: true }));
  await desk.exec("git", ["init", "--quiet", "--bare", staged], { env: quiet() });
  await rename(staged, dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error; // Another bt was faster.
  });
}

async function findCommit(desk: Desk, dir: string, commit: string): Promise<string | undefined> {
  const { exitCode, stdout } = await git(desk, dir, ["rev-parse", "--quiet", "--verify", `${commit}^{commit}`]);
  return exitCode === 0 ? stdout.trim() : undefined;
}

/** A branch that was named is only in FETCH_HEAD. */
async function findFetched(desk: Desk, dir: string, commit: string): Promise<string | undefined> {
  if (/^[0-9a-f]{7,40}$/.test(commit)) return undefined;
  return findCommit(desk, dir, `refs/heads/${commit}`);
}

function git(
  desk: Desk,
  dir: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ReturnType<Desk["exec"]> {
  const options = { env: { ...quiet(), ...env }, show: false, allowedCodes: "any" } as const;
  return desk.exec("git", ["--git-dir", dir, ...words], options);
}

/** A URL as logs and records show it. */
export function maskUrl(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//***@");
}

/** Anybody on the machine can read command lines: git hears user and password from a helper, and that from its environment. */
function splitUrl(repo: string): {
  readonly url: string;
  readonly secrets: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const [, scheme = "", login = "", rest = ""] = /^(https?:\/\/)([^/@]*)@(.*)$/i.exec(repo) ?? [];
  if (scheme === "") return { url: repo, secrets: [], env: {} };
  const [user = "", ...others] = login.split(":").map(decode);
  const password = others.join(":");
  const helper = `credential.${scheme}${rest.replace(/\/.*$/, "")}.helper`;
  const answer = `!answer() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$GIT_SOURCE_USER" "$GIT_SOURCE_PASSWORD"; }; answer`;
  const before = Number(process.env["GIT_CONFIG_COUNT"] ?? 0);
  const config = [
    [helper, ""], // Forgets the helpers that the user has.
    [helper, answer],
  ].flatMap(([key = "", value = ""], at) => [
    [`GIT_CONFIG_KEY_${before + at}`, key],
    [`GIT_CONFIG_VALUE_${before + at}`, value],
  ]);
  return {
    url: `${scheme}${rest}`,
    secrets: password === "" ? [user, login] : [password, login],
    env: {
      ...(Object.fromEntries(config) as Record<string, string>),
      GIT_CONFIG_COUNT: String(before + 2),
      GIT_SOURCE_USER: user,
      GIT_SOURCE_PASSWORD: password,
    },
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A lone percent sign.
  }
}

/** A source tree of its own, whose objects are those of the cache. `dir` must not exist. */
export async function checkOut(desk: Desk, bare: string, commit: string, dir: string): Promise<string> {
  const env = { ...quiet(), GIT_CEILING_DIRECTORIES: dirname(dir) };
  await desk.exec("git", ["clone", "--quiet", "--shared", "--no-checkout", bare, dir], { env, show: false });
  await desk.exec("git", ["-C", dir, "checkout", "--quiet", "--detach", commit], { env, show: false });
  return (await desk.exec("git", ["-C", dir, "rev-parse", "--show-toplevel"], { env, show: false })).stdout.trim();
}
