/** Builds in a container of docker or podman, one for each step. Does not know what is built. */
import { join } from "node:path";
import { isBtError } from "../../core/index.ts";
import type { Bench } from "./bench.ts";
import { buildWords, bundleWords, type Places } from "./command.ts";
import { imageUnread, mountRefused } from "./host-errors.ts";
import { folderMoves } from "./local.ts";
import type { Order } from "./order.ts";
import type { ContainerHost } from "./recipe.ts";
import { parseVersion } from "./version.ts";
import type { Job, Workplace } from "./workplace.ts";

/** Name of a job's container. */
export function containerName(id: string): string {
  return `bt-dice-${id}`;
}

/** Tries what KIWI needs, and opens a workplace in the job's folder. */
export async function openContainer(bench: Bench, order: Order, job: Job, host: ContainerHost): Promise<Workplace> {
  const engine = host.engine ?? "docker";
  const run = async (words: readonly string[]): Promise<void> => {
    const container = containerWords({ order, job, host, words: [order.kiwi.bin, ...words] });
    await bench.exec(engine, container, order.timeoutMs === undefined ? {} : { timeoutMs: order.timeoutMs });
  };
  bench.log.info(
    "KIWI's authors call builds in containers unsupported; disk images need a host of kind ssh, vagrant or box",
  );
  await tryMount(bench, host);
  const places = containerPlaces(order, job);
  const name = containerName(job.id);
  bench.defer(async () => await giveBack(bench, host, job));
  bench.defer(async (succeeded) => succeeded || (await bench.exec(engine, ["kill", name], quiet)));
  return {
    ...folderMoves(job),
    kiwi: await askVersion(bench, order, host),
    build: async () => await run(buildWords(order, places)),
    bundle: async () => await run(bundleWords(order, places)),
    collect: async () => await giveBack(bench, host, job),
  };
}

const quiet = { show: false, allowedCodes: [0, 1, 125] };

/** What the container sees. */
function containerPlaces({ kiwi }: Order, { hasConfig }: Job): Places {
  return {
    description: "/description",
    target: "/result/build",
    bundle: "/result/bundle",
    ...(kiwi.sharedCache === undefined ? {} : { cache: "/result/cache" }),
    ...(hasConfig ? { config: "/kiwi.yml" } : {}),
    signingKeys: (kiwi.signingKeys ?? []).map((_, at) => `/keys/${at}`),
  };
}

/** Words for the engine: runs `words` in the job's container. */
export function containerWords(facts: {
  readonly order: Order;
  readonly job: Job;
  readonly host: ContainerHost;
  readonly words: readonly string[];
}): string[] {
  const { order, job, host, words } = facts;
  const keys = (order.kiwi.signingKeys ?? []).map((key, at) => `${join(order.root, key)}:/keys/${at}:ro`);
  const volumes = [
    `${job.description}:/description:ro`,
    `${job.folder}:/result`,
    ...(job.hasConfig ? [`${join(job.folder, "kiwi.yml")}:/kiwi.yml:ro`] : []),
    ...keys,
  ];
  return [
    ...["run", "--rm", "--init", "--name", containerName(job.id)],
    ...(host.network === undefined ? [] : ["--network", host.network]),
    ...rightWords(host),
    ...volumes.flatMap((volume) => ["-v", volume]),
    ...["-e", "LANG=C.UTF-8"],
    ...(host.args ?? []),
    host.image,
    ...words,
  ];
}

function rightWords(host: ContainerHost): string[] {
  if (host.privileged === true) return ["--privileged", "-v", "/dev:/dev"];
  return ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"];
}

/** The image's id, `sha256:…`. @throws BtError KIWI_DICE_IMAGE_UNREAD */
export async function findImageId(bench: Bench, { engine = "docker", image }: ContainerHost): Promise<string> {
  const found = await bench.exec(engine, ["image", "inspect", "--format", "{{.Id}}", image], quiet);
  const id = found.stdout.trim();
  if (found.exitCode !== 0 || id === "") throw imageUnread(image, lastLines(found.stderr));
  return id.startsWith("sha256:") ? id : `sha256:${id}`;
}

/** Pulls the image as the host asks for it, before anybody compares its id. */
export async function fetchImage(bench: Bench, host: ContainerHost): Promise<void> {
  const { engine = "docker", image, pull = "missing" } = host;
  if (pull === "missing") {
    const found = await bench.exec(engine, ["image", "inspect", "--format", "{{.Id}}", image], quiet);
    if (found.exitCode === 0) return;
  }
  if (pull !== "never") await bench.exec(engine, ["pull", image]);
}

/** KIWI would find it out late, with half of a system unpacked. @throws BtError KIWI_DICE_MOUNT_REFUSED */
async function tryMount(bench: Bench, host: ContainerHost): Promise<void> {
  const { engine = "docker" } = host;
  const words = [
    "run",
    "--rm",
    ...rightWords(host),
    ...(host.args ?? []),
    host.image,
    "mount",
    "--bind",
    "/tmp",
    "/mnt",
  ];
  try {
    await bench.exec(engine, words, { show: false });
  } catch (error) {
    if (bench.signal.aborted || !isBtError(error)) throw error;
    throw mountRefused(engine, error.detail);
  }
}

async function askVersion(bench: Bench, { kiwi }: Order, host: ContainerHost): Promise<string> {
  const { engine = "docker", network, args = [], image } = host;
  const words = ["run", "--rm", ...(network === undefined ? [] : ["--network", network]), ...args, image];
  const { stdout } = await bench.exec(engine, [...words, kiwi.bin, "--version"], { show: false });
  return parseVersion(kiwi.bin, stdout);
}

/** What a container of docker writes belongs to root, who may not be who called: then only a container can give it away. */
async function giveBack(bench: Bench, { engine = "docker", image }: ContainerHost, { folder }: Job): Promise<void> {
  const [uid = 0, gid = 0] = [process.getuid?.(), process.getgid?.()];
  if (uid === 0 || engine === "podman") return; // Rootless podman's root is the user.
  await bench.exec(
    engine,
    ["run", "--rm", "-v", `${folder}:/result`, image, "chown", "-R", `${uid}:${gid}`, "/result"],
    quiet,
  );
}

function lastLines(text: string): string[] {
  return text.trim().split("\n").slice(-5);
}
