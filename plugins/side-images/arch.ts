/** Architectures as the files of components spell them. Pure; knows no files. */
import { findPlatform, parsePlatform, platformTable, type Arch } from "../../core/index.ts";

/** `arm` for arm/v7, `armv6` for arm/v6, otherwise OCI's name: what stands after the dot of `Dockerfile.arm`. */
export function suffixOf(arch: Arch): string {
  const { goarch, variant } = parsePlatform(arch);
  return variant === "v6" ? "armv6" : goarch;
}

/** All suffixes, in the table's order. */
export const suffixes: readonly string[] = platformTable.map(({ arch }) => suffixOf(arch));

/** The architecture of a suffix, or of any tool's spelling. Undefined: there is none. */
export function findArch(text: string): Arch | undefined {
  return findPlatform(text)?.arch;
}
