/** Programs of other packages: what each step starts, and how each is installed on Debian. Does not start them. */
import { findTool, type Context } from "../../core/index.ts";
import { toolMissing } from "./errors.ts";
import { crossArguments } from "./kernel-make.ts";

const debian = (name: string): string => `apt-get install ${name}`;

/** Program to the command that installs it. */
export const installs: Readonly<Record<string, string>> = {
  git: debian("git"),
  make: debian("make"),
  gcc: debian("gcc"),
  flex: debian("flex"),
  bison: debian("bison"),
  bc: debian("bc"),
  mmdebstrap: debian("mmdebstrap"),
  unshare: debian("util-linux"),
  mke2fs: debian("e2fsprogs"),
  debugfs: debian("e2fsprogs"),
  "qemu-img": debian("qemu-utils"),
  zstd: debian("zstd"),
  "qemu-system-x86_64": debian("qemu-system-x86"),
  "qemu-system-aarch64": debian("qemu-system-arm"),
  pahole: debian("pahole"),
  "aarch64-linux-gnu-gcc": debian("gcc-aarch64-linux-gnu"),
  "x86_64-linux-gnu-gcc": debian("gcc-x86-64-linux-gnu"),
  guestfish: debian("libguestfs-tools"),
  "virt-customize": debian("libguestfs-tools"),
  lvh: "go install github.com/cilium/little-vm-helper/cmd/lvh@latest",
};

/** Of a root image: its packages. */
export const bootstrapTools: readonly string[] = ["mmdebstrap", "unshare"];

/** Of a disk, by the backend that makes it. */
export const diskTools = {
  mke2fs: ["mke2fs", "qemu-img", "zstd"],
  libguestfs: ["guestfish", "virt-customize", "qemu-img", "zstd"],
  lvh: ["lvh", "mmdebstrap", "guestfish", "virt-customize", "qemu-img", "zstd"],
} as const;

/** What stands in for the images of tools in native mode. */
export const builderTools: Readonly<Record<string, readonly string[]>> = {
  "kernel-builder": ["make", "gcc", "flex", "bison", "bc"],
  "root-builder": ["mmdebstrap", "mke2fs", "qemu-img", "zstd"],
};

/** Of a kernel for an architecture, which may be another one than this machine's. */
export function kernelTools(arch: string): readonly string[] {
  const cross = crossArguments(arch).find((one) => one.startsWith("CROSS_COMPILE="));
  return ["make", "flex", "bison", "bc", `${cross?.slice("CROSS_COMPILE=".length) ?? ""}gcc`];
}

/** The command that installs a program. */
export function installOf(tool: string): string {
  return installs[tool] ?? debian(tool);
}

/** @throws BtError KERNEL_ROOTFS_TOOL_MISSING for the first that is not there */
export function needTools(
  { env, name, isDryRun }: Pick<Context, "env" | "name" | "isDryRun">,
  ...tools: readonly string[]
): void {
  if (isDryRun) return;
  for (const tool of tools)
    if (findTool(tool, env["PATH"] ?? "") === undefined) throw toolMissing(tool, name, installOf(tool));
}
