/** What images are made of, as a hash, and which of them are stale. Reads files; asks git only through the task. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { pathsOf } from "./ci-plan.ts";
import type { Family } from "./family.ts";
import type { Stale } from "./plan.ts";
import { dockerfileOf, findStage, usesOf, type Stage } from "./stage.ts";
import { keysOf, type Versions } from "./version-store.ts";

interface Made {
  readonly root: string;
  readonly dataDir: string;
  readonly family: Family;
  readonly versions: Versions;
}

/** Hash of files, data entries and images that a key is made of. */
export function contentHash(key: string, { root, dataDir, family, versions }: Made): string {
  const stage = findStage(key, family)!; // The caller has checked the key.
  const hash = createHash("sha256");
  for (const file of filesOf(stage, root, dataDir)) {
    hash.update(`${file}\0`);
    hash.update(fs.readFileSync(path.join(root, file)));
  }
  if ("kernel" in stage && stage.kind === "kernel-images") {
    const { options, makeArgs, source } = stage.kernel;
    hash.update(JSON.stringify([options, makeArgs, source]));
  }
  for (const used of usesOf(stage)) hash.update(`${used}=${versions.get(used)?.tag ?? ""}\0`);
  return hash.digest("hex");
}

/** Relative to the root, sorted; what is not there has no part in it. */
function filesOf(stage: Stage, root: string, dataDir: string): readonly string[] {
  const { patches } = "kernel" in stage ? stage.kernel : {};
  const own =
    stage.kind === "kernel-images"
      ? ["scripts/generate-btf.sh", ...(patches === undefined ? [] : [path.dirname(patches)])]
      : [];
  const paths = stage.kind === "root-images" ? pathsOf(stage, dataDir) : [dockerfileOf(stage), ...own];
  return [...new Set(paths)].flatMap((one) => listFiles(root, one)).sort();
}

function listFiles(root: string, file: string): readonly string[] {
  const stat = fs.statSync(path.join(root, file), { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [file];
  return fs
    .readdirSync(path.join(root, file), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
}

/** Images that are not what they would be now, in the order of stages; what is made from a stale one is stale too. */
export async function findStale(made: Made & { readonly now: Date }, context: Asking): Promise<readonly Stale[]> {
  const stale = new Map<string, string>();
  const newest = new Map<string, Promise<Newest | undefined>>();
  for (const key of keysOf(made.family)) {
    const stage = findStage(key, made.family)!; // A key of the family.
    const version = made.versions.get(key);
    const below = usesOf(stage).find((used) => stale.has(used));
    if (version === undefined) stale.set(key, "it was never built");
    else if (below !== undefined) stale.set(key, `${below} is stale`);
    else if (isOld(stage, version.tag, made.now)) stale.set(key, `it is older than its maxAge`);
    else if (version.inputs !== undefined) {
      if (version.inputs !== contentHash(key, made)) stale.set(key, "what it is made of changed");
    } else {
      const commit = await findNewer(stage, version.tag, { made, newestOf: (files) => ask(newest, files, context) });
      if (commit !== undefined) stale.set(key, `commit ${commit} is newer than ${version.tag}`);
    }
  }
  return [...stale].map(([key, why]) => ({ key, why }));
}

interface Newest {
  readonly commit: string;
  readonly timeMs: number;
}

type Asking = Pick<Context, "exec" | "isDryRun">;

/** The newest commit that touches files; git is asked once for the same ones. */
function ask(
  known: Map<string, Promise<Newest | undefined>>,
  files: readonly string[],
  { exec }: Asking,
): Promise<Newest | undefined> {
  const key = files.join("\0");
  const answer =
    known.get(key) ??
    exec("git", ["log", "-1", "--format=%h %ct", "--", ...files], { show: false, allowedCodes: [0, 128] }).then(
      ({ stdout }) => {
        const [commit, time] = stdout.trim().split(" ");
        return commit === undefined || time === undefined ? undefined : { commit, timeMs: Number(time) * 1000 };
      },
    );
  known.set(key, answer);
  return answer;
}

/** The newest commit that touches its files, if it is younger than the tag. */
async function findNewer(
  stage: Stage,
  tag: string,
  {
    made,
    newestOf,
  }: { readonly made: Made; readonly newestOf: (files: readonly string[]) => Promise<Newest | undefined> },
): Promise<string | undefined> {
  const built = findTime(tag);
  const files = filesOf(stage, made.root, made.dataDir);
  if (built === undefined || files.length === 0) return undefined;
  const newest = await newestOf(files);
  return newest !== undefined && newest.timeMs > built ? newest.commit : undefined;
}

/** Milliseconds since 1970 of a tag that starts with a time, UTC. */
function findTime(tag: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)\.(\d\d)(\d\d)(\d\d)/.exec(tag) ?? [];
  if (year === undefined) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Whether a kernel was built too many days ago. */
function isOld(stage: Stage, tag: string, now: Date): boolean {
  const built = findTime(tag);
  if (stage.kind !== "kernel-images" || stage.kernel.maxAge === undefined || built === undefined) return false;
  return now.getTime() - built > stage.kernel.maxAge * 86_400_000;
}
