/** Builds on another machine: ssh for commands, rsync for files, one connection that holds lock and folder. Does not know what is built. */
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { isBtError } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { buildWords, bundleWords, configText, type Places } from "./command.ts";
import { hostBusy, hostLacks, hostUnreached, spaceShort, transferDamaged, transferFailed } from "./host-errors.ts";
import { cacheFolder, isolationWords } from "./local.ts";
import { leastFreeMib } from "./needs.ts";
import { homePath, isKept, type Order } from "./order.ts";
import type { SshHost } from "./recipe.ts";
import {
  goneScript,
  keeperScript,
  missingScript,
  pickScript,
  probeScript,
  quoteWords,
  startScript,
  sumScript,
} from "./remote-scripts.ts";
import { digestFile } from "./repository.ts";
import { parseVersion } from "./version.ts";
import type { Job, Workplace } from "./workplace.ts";

/** A host that answers to `ssh -F CONFIG NAME`. */
export interface Remote {
  /** File of ssh's configuration. */
  readonly config: string;
  /** Name of the host in it. */
  readonly alias: string;
  /** How messages call it. */
  readonly label: string;
  readonly sudo: boolean;
  readonly workdir: string;
  readonly foreignKiwi: "busy" | "allow";
}

/** What a host says of itself. */
export interface RemoteFacts {
  readonly arch: string;
  /** What KIWI says its version is; empty: there is none. */
  readonly kiwi: string;
  readonly missing: readonly string[];
  /** Processes of a KIWI that is not ours: `4711 /usr/bin/kiwi-ng`. */
  readonly foreign: readonly string[];
}

/** Writes the configuration for a host with a pinned key. */
export async function prepareSsh(bench: Bench, host: SshHost): Promise<Remote> {
  const folder = await bench.tempDir();
  const config = join(folder, "ssh_config");
  await writeFile(config, sshConfig(host, bench.root), { mode: 0o600 });
  const { sudo = false, workdir = "~/.cache/bt-dice", foreignKiwi = "busy" } = host;
  return { config, alias: "bt-host", label: host.host, sudo, workdir, foreignKiwi };
}

/** ssh's configuration file. `%` and blanks in paths are kept as they are. */
export function sshConfig(host: SshHost, root: string): string {
  const path = (name: string): string => `"${homePath(name, root).replaceAll("%", "%%")}"`;
  const lines = [
    ["HostName", host.host],
    ["User", host.user],
    ["Port", String(host.port ?? 22)],
    ["IdentityFile", path(host.key)],
    ["IdentitiesOnly", "yes"],
    ["UserKnownHostsFile", path(host.knownHosts)],
    ["GlobalKnownHostsFile", "none"],
    ["StrictHostKeyChecking", "yes"],
    ["BatchMode", "yes"],
    ["ConnectTimeout", "15"],
    ["ServerAliveInterval", "15"],
    ["ServerAliveCountMax", "2"],
    ["ForwardAgent", "no"],
    ["ForwardX11", "no"],
    ["ClearAllForwardings", "yes"],
  ];
  return `Host bt-host\n${lines.map(([name, value]) => `  ${name} ${value}\n`).join("")}`;
}

/** Asks the host. @throws BtError KIWI_DICE_HOST_UNREACHED, KIWI_DICE_HOST_KEY */
export async function probe(bench: Bench, remote: Remote, kiwi: string): Promise<RemoteFacts> {
  const text = await callRemote(bench, remote, probeScript, { words: [kiwi] });
  const all = (name: string): string[] =>
    text.split("\n").flatMap((line) => (line.startsWith(`${name}=`) ? [line.slice(name.length + 1)] : []));
  const [arch = "", version = ""] = [all("arch")[0], all("kiwi")[0]];
  return { arch, kiwi: version, missing: all("missing"), foreign: all("foreign") };
}

/** Takes the host's lock, copies the recipe there and opens a workplace that ends with the task. */
export async function openRemote(bench: Bench, order: Order, job: Job, remote: Remote): Promise<Workplace> {
  const facts = await probe(bench, remote, order.kiwi.bin);
  if (facts.missing.length > 0) throw hostLacks(remote.label, facts.missing);
  if (remote.foreignKiwi === "busy" && facts.foreign.length > 0)
    throw hostBusy(remote.label, `process ${facts.foreign.join(", process ")} runs there`);
  const kiwi = parseVersion(order.kiwi.bin, facts.kiwi);
  const folder = await keepJob(bench, order, job, remote);
  const sent = ["--delete", "--numeric-ids", "--exclude=/.dice", "--exclude=/.bt", "--exclude=/.git"];
  await copyFiles(bench, remote, [...sent, `${job.description}/`, `${remote.alias}:${folder}/description/`]);
  const places = await sendFiles(bench, order, { job, remote, folder });
  const call = async (script: string, words: readonly string[], show = false): Promise<string> =>
    await callRemote(bench, remote, script, {
      words: [folder, ...words],
      show,
      ...(order.timeoutMs === undefined ? {} : { timeoutMs: order.timeoutMs }),
    });
  const run = async (words: readonly string[]): Promise<void> => {
    await call(startScript, [...isolationWords(`${folder}/cache`), order.kiwi.bin, ...words], true);
  };
  return {
    kiwi,
    rootPath: `${remote.label}:${folder}/build/build/image-root`,
    build: async () => await run(buildWords(order, places)),
    bundle: async () => await run(bundleWords(order, places)),
    pick: async (names) => void (await call(pickScript, names)),
    read: async (path) =>
      await call(`cat -- "$1/$2" || exit 1`, [path]).catch((error: unknown) => {
        if (bench.signal.aborted) throw error;
        return undefined;
      }),
    findMissing: async (paths) => (await call(missingScript, paths)).split("\n").filter((line) => line !== ""),
    collect: async () => {
      const target = join(job.folder, "bundle");
      await mkdir(target, { recursive: true });
      const sums = await call(sumScript, []);
      await copyFiles(bench, remote, ["--numeric-ids", `${remote.alias}:${folder}/bundle/`, `${target}/`]);
      const damaged = await findDamaged(target, sums);
      if (damaged.length > 0) throw transferDamaged(damaged, remote.label);
    },
  };
}

/** Files whose digest is another one than their host's, or that are only on one side. */
export async function findDamaged(folder: string, sums: string): Promise<readonly string[]> {
  const there = new Map(
    sums.split("\n").flatMap((line) => {
      const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
      return sum === undefined || name === undefined ? [] : [[name, sum] as const];
    }),
  );
  const here = await readdir(folder);
  const names = [...new Set([...there.keys(), ...here])].sort();
  const checked = await Promise.all(
    names.map(async (name) => ({ name, sum: here.includes(name) ? await digestFile(join(folder, name)) : "" })),
  );
  return checked.filter(({ name, sum }) => there.get(name) !== sum).map(({ name }) => name);
}

/** One connection for the whole job: when it ends, for whatever reason, the host ends the build and removes the folder. */
async function keepJob(bench: Bench, order: Order, job: Job, remote: Remote): Promise<string> {
  const owner = `bt of ${process.env["USER"] ?? process.getuid?.() ?? "somebody"}, recipe ${order.name}, since ${new Date().toISOString()}`;
  const words = remoteWords(remote, [remote.workdir, job.id, owner]);
  for (const deadline = Date.now() + order.lockTimeoutMs; ;) {
    const input = new PassThrough();
    const keeper = bench.$({ input, nothrow: true })`ssh ${words}`;
    input.write(asInput(keeperScript));
    const beat = setInterval(() => input.write("\n"), 5000);
    let said = "";
    const answer = new Promise<string>((resolve) => {
      keeper.stdout.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (/^(free|busy)=.*\n/m.test(said)) resolve(said);
      });
      void keeper.then(() => resolve(said));
    });
    const text = await answer;
    const folder = /^job=(.+)$/m.exec(text)?.[1];
    if (folder !== undefined) {
      bench.defer(async (succeeded) => {
        clearInterval(beat);
        if (isKept(order, succeeded)) {
          input.write("keep\n");
          const kept = folder.replace(/job-([^/]+)$/, "kept-$1");
          bench.log.info(`The unpacked image is kept in ${remote.label}:${kept}/build/build/image-root`);
        }
        input.end();
        await keeper;
        if (!succeeded) await callRemote(bench, remote, goneScript, { words: [folder] }).catch(() => {}); // The host removes it at the next contact.
      });
      const freeMib = Number(/^free=(\d+)$/m.exec(text)?.[1]);
      if (freeMib < leastFreeMib) throw spaceShort(`${remote.label}:${folder}`, freeMib, leastFreeMib);
      return folder;
    }
    clearInterval(beat);
    input.end();
    const { stderr } = await keeper;
    bench.signal.throwIfAborted();
    const busy = /^busy=(.*)$/m.exec(text)?.[1];
    if (busy === undefined) throw hostUnreached(remote.label, lastLines(stderr));
    if (Date.now() >= deadline) throw hostBusy(remote.label, busy === "" ? "another build" : busy);
    await wait(500, undefined, { signal: bench.signal });
  }
}

/** KIWI's configuration and keys, in the job's folder there. */
async function sendFiles(
  bench: Bench,
  order: Order,
  { job, remote, folder }: { job: Job; remote: Remote; folder: string },
): Promise<Places> {
  const keys = order.kiwi.signingKeys ?? [];
  const text = configText(order);
  const sent = [
    ...(text === undefined ? [] : [join(job.folder, "kiwi.yml")]),
    ...keys.map((key) => join(order.root, key)),
  ];
  if (sent.length > 0) await copyFiles(bench, remote, [...sent, `${remote.alias}:${folder}/`]);
  return {
    description: `${folder}/description`,
    target: `${folder}/build`,
    bundle: `${folder}/bundle`,
    cache: cacheFolder,
    ...(text === undefined ? {} : { config: `${folder}/kiwi.yml` }),
    signingKeys: keys.map((key) => `${folder}/${key.split("/").at(-1) ?? ""}`),
  };
}

/** Runs a script there; returns what it prints. @throws BtError KIWI_DICE_HOST_UNREACHED, KIWI_DICE_HOST_KEY, or COMMAND_FAILED */
async function callRemote(
  bench: Bench,
  remote: Remote,
  script: string,
  call: { readonly words: readonly string[]; readonly show?: boolean; readonly timeoutMs?: number },
): Promise<string> {
  const { words, show = false, timeoutMs } = call;
  const { exitCode, stdout, stderr } = await bench.exec("ssh", remoteWords(remote, words), {
    input: asInput(script),
    show,
    allowedCodes: [0, 255], // ssh's own failure; no script of ours ends so.
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
  if (exitCode === 255) throw hostUnreached(remote.label, lastLines(stderr));
  return stdout;
}

/** A script comes over standard input: command lines stay short, and there is nothing to quote but its arguments. */
function remoteWords({ config, alias, sudo }: Remote, words: readonly string[]): string[] {
  return ["-F", config, alias, "--", quoteWords([...(sudo ? ["sudo", "-n"] : []), "bash", "-s", "--", ...words])];
}

/** bash has read the whole script before the first command of it runs; what follows on the input is the script's own. */
function asInput(script: string): string {
  return `main() {\n${script}\n}\nmain "$@"; exit $?\n`;
}

/** Copies to or from the host. @throws BtError KIWI_DICE_TRANSFER_FAILED */
async function copyFiles(bench: Bench, { config, sudo, label }: Remote, words: readonly string[]): Promise<void> {
  const rights = sudo ? ["--rsync-path", "sudo -n rsync"] : [];
  try {
    await bench.exec("rsync", ["-a", "-s", "-e", `ssh -F ${config}`, ...rights, ...words]);
  } catch (error) {
    if (bench.signal.aborted || !isBtError(error) || error.code !== "COMMAND_FAILED") throw error;
    throw transferFailed(label, error);
  }
}

function lastLines(text: string): string[] {
  return text.trim().split("\n").slice(-5);
}

/** Writes what `vagrant ssh-config` has printed. */
export async function writeConfig(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
}
