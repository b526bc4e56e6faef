/** Every message about guests. Knows only BtError. */
import { BtError, closest } from "../../core/index.ts";

export function guestSilent(
  image: string,
  wanted: string,
  facts: { readonly seconds: number; readonly lines: readonly string[] },
): BtError {
  return new BtError(
    "KERNEL_ROOTFS_GUEST_SILENT",
    `The guest of "${image}" has not shown ${wanted} within ${facts.seconds} s`,
    {
      exitCode: 1,
      detail: facts.lines.length === 0 ? ["it printed nothing"] : facts.lines,
      fix: "Look at the last lines above; TIMEOUT= gives it more time, EXPECT= changes what is waited for.",
    },
  );
}

export function guestEnded(image: string, wanted: string, lines: readonly string[]): BtError {
  return new BtError("KERNEL_ROOTFS_GUEST_ENDED", `The guest of "${image}" ended before it showed ${wanted}`, {
    exitCode: 1,
    detail: lines.length === 0 ? ["it printed nothing"] : lines,
    fix: "Look at the last lines above.",
  });
}

export function kvmUnusable(reason: string): BtError {
  return new BtError("KERNEL_ROOTFS_KVM_UNUSABLE", `KVM does not run guests here: ${reason}`, {
    exitCode: 1,
    fix: "Use ACCEL=auto or ACCEL=tcg.",
  });
}

export function imageMissing(image: string, known: readonly string[] = []): BtError {
  const near = closest(image, known);
  return new BtError("KERNEL_ROOTFS_IMAGE_MISSING", `There is no image "${image}"`, {
    at: { where: "IMAGE" },
    ...(known.length === 0 ? {} : { detail: [`known: ${known.join(" ")}`] }),
    fix: near === undefined ? "Name a file, HOST/REPO:TAG, or oci:DIR:NAME." : `Use "${near}", or name a file.`,
  });
}

export function kernelMissing(kernel: string, known: readonly string[]): BtError {
  const near = closest(kernel, known);
  return new BtError("KERNEL_ROOTFS_KERNEL_MISSING", `There is no kernel "${kernel}", and no file of that name`, {
    at: { where: "KERNEL" },
    ...(known.length === 0 ? {} : { detail: [`known: ${known.join(" ")}`] }),
    fix: near === undefined ? "Name one of them, or a file." : `Use "${near}", or name a file.`,
  });
}

export function portWrong(port: string): BtError {
  return new BtError("KERNEL_ROOTFS_PORT_WRONG", `"${port}" is no forwarded port`, {
    at: { where: "PORT" },
    fix: "Write HOST, HOST:GUEST or HOST:GUEST:udp, for example 2222:22.",
  });
}

export function patternWrong(pattern: string, cause: unknown): BtError {
  return new BtError("KERNEL_ROOTFS_EXPECT_WRONG", `"${pattern}" is no regular expression`, {
    at: { where: "EXPECT" },
    cause,
    fix: "Put a backslash before characters that have a meaning there.",
  });
}
