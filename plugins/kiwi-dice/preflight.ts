/** What can be found wrong with an order before anything is done: all of it at once, in seconds. Contacts no other machine. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { findTool, hostPlatform, isBtError, type BtError, type Place } from "../../core/index.ts";
import { defaultType, findDescription, readDescription, type Description } from "./description.ts";
import { findings, profileUnknown, schemaNew, typeUnknown } from "./errors.ts";
import {
  archForeign,
  boxContainer,
  engineUnreached,
  folderOdd,
  imageUnsaid,
  notRoot,
  programMissing,
  spaceShort,
  sshHostUnknown,
  sshKeyOpen,
  sshKeyPublic,
  sshKeyUnreadable,
  sshKeyUnsaid,
  typeImpossible,
  vagrantfileMissing,
} from "./host-errors.ts";
import { knowsHost } from "./known-hosts.ts";
import { findLack, leastFreeMib, needsOf } from "./needs.ts";
import { homePath, hostName, type Order } from "./order.ts";
import type { ContainerHost, SshHost } from "./recipe.ts";
import { keyDigest } from "./key.ts";
import { askVersion } from "./survey.ts";
import { compare, findKiwi, newestSchema } from "./version.ts";

/** @throws BtError with all that is wrong */
export async function checkOrder(order: Order, searchPath: string): Promise<void> {
  const found = await findMistakes(order, searchPath);
  if (found.length > 0) throw findings(order.name, found);
}

/** All that is wrong, in the order in which it would matter. */
export async function findMistakes(order: Order, searchPath: string): Promise<readonly BtError[]> {
  const { kiwi, folder, root } = order;
  const read = await collect(async () => {
    const options = { root, ...(kiwi.kiwiFile === undefined ? {} : { kiwiFile: kiwi.kiwiFile }) };
    return await readDescription(folder, await findDescription(folder, options), root);
  });
  const description = "error" in read ? undefined : read.value;
  const wrong = "error" in read ? [read.error] : [];
  const chosen = description === undefined ? [] : checkChoice(order, description);
  return [...wrong, ...chosen, ...(await checkHost(order, description, searchPath))];
}

async function collect<T>(act: () => Promise<T>): Promise<{ readonly value: T } | { readonly error: BtError }> {
  try {
    return { value: await act() };
  } catch (error) {
    if (isBtError(error)) return { error };
    throw error;
  }
}

/** Type and profiles are those of the description. */
export function checkChoice({ kiwi, folder, root }: Order, description: Description): BtError[] {
  const at: Place = { where: relative(root, join(folder, description.file)) };
  const types = [...new Set(description.types.map(({ image }) => image))];
  const { profiles } = description;
  return [
    ...(kiwi.type === undefined || types.includes(kiwi.type) ? [] : [typeUnknown(kiwi.type, { at, types })]),
    ...kiwi.profiles
      .filter((profile) => !profiles.includes(profile))
      .map((profile) => profileUnknown(profile, { at, profiles })),
  ];
}

/** Whether this KIWI reads the description. Undefined: it does, or nobody knows. */
export function checkSchema(order: Order, description: Description, kiwi: string): BtError | undefined {
  const reads = newestSchema(kiwi);
  if (reads === undefined || compare(description.schema, reads) <= 0) return undefined;
  const at = { where: relative(order.root, join(order.folder, description.file)) };
  return schemaNew(at, { found: description.schema, kiwi, reads, host: hostName(order.host) });
}

async function checkHost(order: Order, description: Description | undefined, searchPath: string): Promise<BtError[]> {
  const { host, kiwi } = order;
  switch (host.kind) {
    case "local":
      return await checkLocal(order, description, searchPath);
    case "ssh":
      return [...needPrograms(["ssh=openssh-client", "rsync"], searchPath), ...checkSsh(order, host)];
    case "docker":
      return await checkContainer(host, searchPath);
    case "vagrant":
      return [
        ...needPrograms(["vagrant", "ssh=openssh-client", "rsync"], searchPath),
        ...(existsSync(join(order.folder, "Vagrantfile")) ? [] : [vagrantfileMissing(order.name)]),
      ];
    case "box":
      return [...needPrograms([`${kiwi.bin}=kiwi`], searchPath), ...(host.container === true ? [boxContainer()] : [])];
  }
}

async function checkLocal(order: Order, description: Description | undefined, searchPath: string): Promise<BtError[]> {
  const { kiwi, root } = order;
  const found = findKiwi(kiwi.bin, searchPath);
  const missing = needPrograms([`${kiwi.bin}=kiwi`, "unshare=util-linux", "setpriv=util-linux"], searchPath);
  const rights = process.getuid?.() === 0 ? [] : [notRoot(`${kiwi.bin} system build`)];
  const free = freeMib(join(root, ".bt"));
  const space = free < leastFreeMib ? [spaceShort(relative(root, join(root, ".bt")), free, leastFreeMib)] : [];
  const known = description === undefined ? [] : await checkImage(order, description, { searchPath, kiwi: found });
  return [...missing, ...rights, ...checkFolder(root), ...known, ...space];
}

async function checkImage(
  order: Order,
  description: Description,
  { searchPath, kiwi }: { readonly searchPath: string; readonly kiwi: ReturnType<typeof findKiwi> },
): Promise<BtError[]> {
  const { targetArch, profiles, type: asked, config } = order.kiwi;
  const arch = hostPlatform().uname;
  const asks = await collect(
    async () => kiwi?.version ?? (kiwi === undefined ? undefined : await askVersion(kiwi.file)),
  );
  const version = "error" in asks ? undefined : asks.value;
  const schema = version === undefined ? undefined : checkSchema(order, description, version);
  const type = asked ?? defaultType(description, { profiles, arch: targetArch ?? arch });
  const host = hostName(order.host);
  const withBuildah = config?.["oci"]?.some((one) => one["archive_tool"] === "buildah") ?? false;
  const lack = findLack(needsOf(type ?? "", description.packageManager, { withBuildah }), searchPath);
  const isForeign = targetArch !== undefined && targetArch !== arch && description.packageManager === "apt";
  const cannot = lack.programs.length + lack.features.length > 0;
  const names = lack.programs.map((program) => `${program.name} (package ${program.package})`);
  return [
    ...("error" in asks ? [asks.error] : []),
    ...(schema === undefined ? [] : [schema]),
    ...(cannot ? [typeImpossible({ type: type ?? "", host, programs: names, features: lack.features })] : []),
    ...(isForeign ? [archForeign(targetArch, { host, arch })] : []),
  ];
}

function checkSsh({ root }: Order, host: SshHost): BtError[] {
  const file = homePath(host.knownHosts, root);
  const port = host.port ?? 22;
  const known = existsSync(file) && knowsHost(readFileSync(file, "utf8"), host.host, port);
  const folder = checkFolder(host.workdir ?? "");
  return [
    ...checkKey(host, root),
    ...folder,
    ...(known ? [] : [sshHostUnknown(host.host, { port, file: host.knownHosts })]),
  ];
}

/** The shell scripts of debootstrap do not quote their folder. */
function checkFolder(folder: string): BtError[] {
  const [odd] = /[^\w./~+-]/.exec(folder) ?? [];
  return odd === undefined ? [] : [folderOdd(folder, odd)];
}

function checkKey({ host, key }: SshHost, root: string): BtError[] {
  const at: Place = { where: "build host of the recipe" };
  if (key === "") return [sshKeyUnsaid(host, at)];
  try {
    const path = homePath(key, root);
    const mode = statSync(path).mode & 0o777;
    if (keyDigest(readFileSync(path, "latin1")) === publicKey) return [sshKeyPublic(key)];
    return (mode & 0o077) === 0 ? [] : [sshKeyOpen(key, mode.toString(8).padStart(4, "0"))];
  } catch {
    return [sshKeyUnreadable(key, at)];
  }
}

/** Digest of the private key that Vagrant and Dice ship. */
const publicKey = "3ad8f14b04b634983ece3710397663e9213b3403fd2234868f7ae95e254fe906";

async function checkContainer({ engine = "docker", image }: ContainerHost, searchPath: string): Promise<BtError[]> {
  const unsaid = image === "" ? [imageUnsaid({ where: "build host of the recipe" })] : [];
  const missing = needPrograms([engine === "docker" ? "docker=docker.io" : engine], searchPath);
  if (missing.length > 0) return [...unsaid, ...missing];
  const lines = await promisify(execFile)(engine, ["version"], { timeout: 10_000 }).then(
    () => undefined,
    (error: { readonly stderr?: string }) => (error.stderr ?? "").trim().split("\n").slice(-3),
  );
  return [...unsaid, ...(lines === undefined ? [] : [engineUnreached(engine, lines)])];
}

/** `ssh=openssh-client`: program and Debian package. */
function needPrograms(names: readonly string[], searchPath: string): BtError[] {
  return names.flatMap((pair) => {
    const [name = "", from = name] = pair.split("=");
    if (findTool(name, searchPath) !== undefined) return [];
    return [programMissing(name, { install: `apt-get install ${from}`, host: "this machine" })];
  });
}

function freeMib(folder: string): number {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  return Math.floor((bavail * bsize) / 2 ** 20);
}
