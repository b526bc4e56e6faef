/** Who runs a guest: KVM only if a guest has reached user space under it, here, within a time limit. Opening /dev/kvm proves nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { isBtError, replaceFile, type Context } from "../../core/index.ts";
import { findVmlinuz } from "./forest.ts";
import { hostArch } from "./params.ts";
import type { TargetArch } from "./options.ts";
import { marker, renderProbe } from "./probe-init.ts";
import { qemuProgram } from "./qemu.ts";
import { kvmUnusable } from "./vm-errors.ts";

export interface AccelRequest {
  readonly asked: "auto" | "kvm" | "tcg";
  readonly arch: string;
  /** Kernel to try it with. Absent: the newest of this machine. */
  readonly kernel: string | undefined;
  /** Time for a guest to reach user space. */
  readonly seconds: number;
}

/** An answer, and under which circumstances it holds. */
interface Known {
  readonly about: string;
  readonly problem?: string;
}

/** @throws BtError KERNEL_ROOTFS_KVM_UNUSABLE when KVM is asked for and does not work */
export async function chooseAccel(context: Context, request: AccelRequest): Promise<"kvm" | "tcg"> {
  if (request.asked === "tcg") return "tcg";
  if (context.isDryRun) return request.asked === "kvm" ? "kvm" : "tcg";
  const problem = await findProblem(context, request);
  if (problem === undefined) return "kvm";
  if (request.asked === "kvm") throw kvmUnusable(problem);
  context.log.info(`accel: KVM does not run guests (${problem}), using TCG`);
  return "tcg";
}

async function findProblem(context: Context, request: AccelRequest): Promise<string | undefined> {
  const { arch, kernel = ownKernel(), seconds } = request;
  if (arch !== hostArch()) return `the guest is ${arch}`;
  if (!fs.existsSync("/dev/kvm")) return "there is no /dev/kvm";
  if (kernel === undefined) return "there is no kernel to try it with";
  const { exec, root } = context;
  const { stdout } = await exec(qemuProgram(arch), ["--version"], { show: false });
  const { size, mtimeMs } = fs.statSync(path.resolve(root, kernel));
  const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const about = [boot, stdout.split("\n")[0], kernel, size, mtimeMs, seconds].join(" ");
  const file = path.join(root, ".bt", "kernel-rootfs", "accel.json");
  const known = readKnown(file);
  if (known?.about === about) return known.problem;
  const problem = await tryKvm(context, { arch: hostArch(), kernel, seconds });
  replaceFile(file, JSON.stringify({ about, problem } satisfies { about: string; problem: string | undefined }));
  return problem;
}

function ownKernel(): string | undefined {
  const name = fs.existsSync("/boot") ? findVmlinuz("/").at(-1) : undefined;
  return name === undefined ? undefined : path.join("/boot", name);
}

function readKnown(file: string): Known | undefined {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")) as Known; // Written here; anything else asks again.
  } catch {
    return undefined;
  }
}

/** Why a guest did not reach user space. Undefined: it did. */
async function tryKvm(
  { exec, tempDir, signal }: Context,
  { arch, kernel, seconds }: { readonly arch: TargetArch; readonly kernel: string; readonly seconds: number },
): Promise<string | undefined> {
  const initrd = path.join(await tempDir(), "probe.cpio");
  fs.writeFileSync(initrd, renderProbe(arch));
  const machine = arch === "arm64" ? ["-machine", "virt", "-cpu", "host"] : ["-cpu", "kvm64"];
  const append = `console=${arch === "arm64" ? "ttyAMA0" : "ttyS0"} panic=-1 quiet`;
  const base = [...machine, "-nodefaults", "-display", "none", "-no-reboot", "-smp", "1", "-m", "256M", "-enable-kvm"];
  const boot = ["-kernel", kernel, "-initrd", initrd, "-append", append, "-serial", "stdio"];
  const none = `no marker within ${seconds} s`;
  try {
    const { stdout } = await exec(qemuProgram(arch), [...base, ...boot], { show: false, timeoutMs: seconds * 1000 });
    return stdout.includes(marker) ? undefined : none;
  } catch (error) {
    if (signal.aborted || !isBtError(error)) throw error;
    const said = error.detail.map((line) => line.trim()).find((line) => /error|assert|failed/i.test(line));
    return said === undefined ? none : said.slice(0, 100);
  }
}
