/** The work of vm:run and vm:check: finds disk, kernel and accelerator, and starts the guest. */
import * as fs from "node:fs";
import * as net from "node:net";
import * as path from "node:path";
import type { Context } from "../../core/index.ts";
import { chooseAccel } from "./accel.ts";
import { kernelDirWrong } from "./data-errors.ts";
import { findDisk, type DiskImage } from "./disk-image.ts";
import { findVmlinuz } from "./forest.ts";
import { watchGuest } from "./guest.ts";
import type { MachineValues } from "./params.ts";
import { installDir } from "./places.ts";
import { qemuArguments, qemuProgram, type Guest } from "./qemu.ts";
import { parsePattern } from "./request.ts";
import type { BuiltKernel, CheckedGuest, RootfsImage } from "./result.ts";
import type { Shop } from "./shop.ts";
import { needTools } from "./tools.ts";

interface CheckValues extends MachineValues {
  readonly expect: string | undefined;
  readonly level: "kernel" | "login" | "ssh";
  readonly timeout: number;
}

export async function runMachine(context: Context, shop: Shop): Promise<void> {
  const guest = await findGuest(context, shop, { isSnapshot: false });
  const args = qemuArguments({ ...guest, console: { kind: "terminal" } });
  await context.exec(qemuProgram(guest.values.qemuArch), args);
}

const levels = {
  kernel: { pattern: /Linux version (\S+)/, shown: `"Linux version"` },
  login: { pattern: /login: ?$/m, shown: `"login:"` },
  ssh: { pattern: /Linux version (\S+)/, shown: "an ssh server" },
} as const;

export async function checkMachine(context: Context, shop: Shop): Promise<CheckedGuest> {
  const values = context.params as unknown as CheckValues; // As tasks.ts declares them.
  const { expect, level, timeout } = values;
  const pattern = expect === undefined ? levels[level].pattern : parsePattern(expect);
  const shown = expect === undefined ? levels[level].shown : `/${expect}/`;
  const found = await findGuest(context, shop, { isSnapshot: true });
  const isSsh = level === "ssh" && expect === undefined;
  const sshPort = isSsh && !context.isDryRun ? await freePort() : undefined;
  const port = sshPort === undefined ? values.port : [...values.port, `${sshPort}:22`];
  const guest = { ...found, values: { ...found.values, port } };
  if (context.isDryRun) {
    const console = { kind: "watched", log: "console.log", socket: "qmp" } as const;
    await context.exec(qemuProgram(values.qemuArch), qemuArguments({ ...guest, console }));
    return { matched: "", accel: guest.accel, seconds: 0 };
  }
  const started = Date.now();
  const seen = await watchGuest(context, guest, {
    pattern,
    shown,
    seconds: timeout,
    image: values.image ?? "",
    ...(sshPort === undefined ? {} : { sshPort }),
  });
  const seconds = Math.round((Date.now() - started) / 100) / 10;
  const kernel = /Linux version (\S+)/.exec(seen.text)?.[1];
  context.log.info(
    `${values.image}: ${seen.matched.trim()}${kernel === undefined ? "" : `, kernel ${kernel}`}, ${guest.accel}, ${seconds} s`,
  );
  return { ...(kernel === undefined ? {} : { kernel }), matched: seen.matched, accel: guest.accel, seconds };
}

async function findGuest(
  context: Context,
  shop: Shop,
  { isSnapshot }: { readonly isSnapshot: boolean },
): Promise<Omit<Guest, "console">> {
  const { isDryRun } = context;
  const values = context.params as unknown as MachineValues; // As params.ts declares them.
  const program = qemuProgram(values.qemuArch);
  needTools(context, program);
  const made = context.needs["disk"] as RootfsImage | undefined; // Of rootfs:pack, for an image of the family.
  const image = made?.file ?? values.image ?? "";
  const { images, kernels } = await shop.family();
  const planned: DiskImage | undefined =
    isDryRun && images.has(image)
      ? { file: path.join(shop.dataDir, "images", image), format: images.get(image)!.format }
      : undefined;
  const disk = image === "none" ? undefined : (planned ?? (await findDisk(context, image, values.qemuArch)));
  const plannedKernel =
    isDryRun && kernels.has(values.kernel ?? "")
      ? path.join(installDir(shop, values.kernel ?? "", values.qemuArch), "boot/vmlinuz-VERSION")
      : undefined;
  const kernel = plannedKernel ?? findKernel(context, values) ?? disk?.vmlinuz;
  const initrd = values.initrd ?? (kernel === disk?.vmlinuz ? disk?.initrd : undefined);
  const seconds = shop.options.accelProbeSeconds ?? 10;
  const accel = await chooseAccel(context, { asked: values.accel, arch: values.qemuArch, kernel, seconds });
  return {
    values,
    accel,
    ...(disk === undefined ? {} : { disk: { file: disk.file, format: disk.format, isSnapshot } }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(initrd === undefined ? {} : { initrd }),
  };
}

/** @throws BtError KERNEL_ROOTFS_KERNEL_DIR */
function findKernel({ root, isDryRun, needs }: Context, values: MachineValues): string | undefined {
  const built = needs["kernel"] as BuiltKernel | undefined; // Of kernel:build, for a kernel of the family.
  const kernelDir = built?.dir ?? values.kernelDir;
  if (kernelDir === undefined || (built === undefined && values.kernel !== undefined)) return values.kernel;
  const dir = path.resolve(root, kernelDir);
  const found = fs.existsSync(path.join(dir, "boot")) ? findVmlinuz(dir) : undefined;
  if (isDryRun && found === undefined) return path.join(kernelDir, "boot/vmlinuz-VERSION");
  if (found?.length !== 1) throw kernelDirWrong({ where: "KERNEL_DIR" }, kernelDir, found);
  return path.join(kernelDir, "boot", found[0]!);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
