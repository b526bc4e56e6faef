/** Builds on this machine: KIWI in namespaces that end with it, or in the virtual machine of a box. Does not know what is built. */
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { boxWords, buildWords, bundleWords, type Places } from "./command.ts";
import type { Order } from "./order.ts";
import type { BuildHost } from "./recipe.ts";
import type { Job, Workplace } from "./workplace.ts";

/** A workplace in the job's folder. */
export function openLocal(bench: Bench, order: Order, job: Job, kiwi: string): Workplace {
  const { host } = order;
  const places = localPlaces(order, job);
  const run = async (words: readonly string[]): Promise<void> =>
    await runKiwi(bench, order, { folder: job.folder, words });
  if (host.kind === "local" && host.isolate === "none")
    bench.log.warn("KIWI runs without isolation: what it mounts stays if it is killed");
  return {
    ...folderMoves(job),
    kiwi,
    build: async () => await run(host.kind === "box" ? boxWords(order, host, places) : buildWords(order, places)),
    bundle: async () => await run(bundleWords(order, places)),
    collect: async () => {},
  };
}

/** The job's own folders, and the keys where they are. */
export function localPlaces(order: Order, { folder, description, hasConfig }: Job): Places {
  return {
    description,
    target: join(folder, "build"),
    bundle: join(folder, "bundle"),
    cache: isIsolated(order.host) ? cacheFolder : join(folder, "cache"),
    ...(hasConfig ? { config: join(folder, "kiwi.yml") } : {}),
    signingKeys: (order.kiwi.signingKeys ?? []).map((key) => join(order.root, key)),
  };
}

/** What a job's folder on this machine can tell. */
export function folderMoves({ folder }: Job): Pick<Workplace, "pick" | "read" | "findMissing" | "rootPath"> {
  return {
    rootPath: join(folder, "build/build/image-root"),
    read: async (path) => await readFile(join(folder, path), "utf8").catch(() => undefined),
    findMissing: async (paths) => {
      const found = await Promise.all(paths.map((path) => stat(join(folder, path)).catch(() => undefined)));
      return paths.filter((_, at) => found[at] === undefined);
    },
    pick: async (names) => {
      await mkdir(join(folder, "bundle"));
      for (const name of names) await rename(join(folder, "build", name), join(folder, "bundle", name));
    },
  };
}

/** Runs KIWI as a host of this machine does; the folder is its job's. */
export async function runKiwi(
  bench: Bench,
  { host, kiwi, timeoutMs }: Order,
  { folder, words }: { readonly folder: string; readonly words: readonly string[] },
): Promise<void> {
  const argv = [...(isIsolated(host) ? isolationWords(join(folder, "cache")) : []), kiwi.bin, ...words];
  await bench.exec("setpriv", ["--pdeathsig", "KILL", "sh", "-s", "--", ...argv], {
    input: guardScript,
    env: { LANG: "C.UTF-8", LC_ALL: undefined },
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

function isIsolated(host: BuildHost): boolean {
  return host.kind === "local" && host.isolate !== "none";
}

/** Stand before KIWI's words: mounts and processes end with its process, whatever happens, and its cache is a folder of the job. */
export function isolationWords(cache: string): readonly string[] {
  return ["unshare", "-m", "-p", "-f", "--mount-proc", "--kill-child=KILL", "sh", "-c", cacheScript, "sh", cache];
}

/**
 * KIWI's own default. KIWI mounts its cache at the same path in the image too, and makes the folders above it there: with a job's path
 * the image's /tmp or /root would be made by KIWI, with another mode than Debian's.
 */
export const cacheFolder = "/var/cache/kiwi";

const cacheScript = `mkdir -p "$1" ${cacheFolder} && mount --bind "$1" ${cacheFolder} && shift && exec "$@"`;

/**
 * Runs its words as a child that dies with it. unshare, and KIWI as the first process of a namespace, ignore TERM and INT:
 * only KILL ends them, and a killed bt can send nothing, so the kernel does.
 */
const guardScript = `setpriv --pdeathsig KILL "$@" & child=$!
trap 'kill -KILL "$child" 2>/dev/null' TERM INT HUP
wait "$child"; code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
exit "$code"
`;
