/** The command lines of the kernel's own make and scripts. Pure; runs nothing. */
import { findPlatform } from "../../core/index.ts";
import type { Kernel } from "./family.ts";
import type { ConfigOption } from "./options.ts";
import { hostArch } from "./params.ts";

/** One kernel for one architecture. */
export interface KernelTarget {
  readonly kernel: Kernel;
  readonly arch: string;
  /** Source tree. */
  readonly source: string;
  /** Output folder, absolute: make reads `O=` from the source tree. */
  readonly out: string;
}

/** `ARCH=` and `CROSS_COMPILE=` for an architecture that is not this machine's. */
export function crossArguments(arch: string, host: string = hostArch()): readonly string[] {
  const platform = findPlatform(arch);
  if (platform === undefined || arch === host) return [];
  return [`ARCH=${platform.kernel}`, `CROSS_COMPILE=${platform.triplet}-`];
}

/** Arguments of make for some of the kernel's targets. */
export function makeArguments({ kernel, arch, source, out }: KernelTarget, ...targets: string[]): readonly string[] {
  return ["-C", source, `O=${out}`, ...targets, ...crossArguments(arch), ...kernel.makeArgs];
}

/** What boots: `bzImage`, `Image.gz`. */
export function bootTarget(arch: string): string {
  return arch === "arm64" ? "Image.gz" : "bzImage";
}

/** Options for one call each of `scripts/config`; the kernel's script takes many at a time. */
export function configCalls(options: readonly ConfigOption[], file: string): readonly (readonly string[])[] {
  const size = 200; // Far below what a command line may hold.
  return Array.from({ length: Math.ceil(options.length / size) }, (_, at) => [
    "--file",
    file,
    ...options.slice(at * size, (at + 1) * size).flat(),
  ]);
}
