/** Programs of other packages, and how each is installed on Debian. Does not know what they are used for. */
import { findTool, type Context } from "../../core/index.ts";
import { toolMissing } from "./errors.ts";

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

/** @throws BtError KERNEL_ROOTFS_TOOL_MISSING for the first that is not there */
export function needTools(
  { env, name, isDryRun }: Pick<Context, "env" | "name" | "isDryRun">,
  ...tools: string[]
): void {
  if (isDryRun) return;
  for (const tool of tools)
    if (findTool(tool, env["PATH"] ?? "") === undefined) throw toolMissing(tool, name, installs[tool] ?? debian(tool));
}
