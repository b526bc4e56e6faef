/** How builders spell architectures: KubeVirt's `crossbuild-` names, Bazel's configs, build arguments. Pure. */
import { closest, findPlatform, hostPlatform, parsePlatform, type Arch } from "../../core/index.ts";

/** The architecture called `text` by any tool, or by KubeVirt's Bazel configs. */
export function findArch(text: string): Arch | undefined {
  return findPlatform(text.trim().replace(/^crossbuild-/i, ""))?.arch;
}

/** `--config` of Bazel: foreign ones are cross-built, amd64 never is. */
export function bazelConfig(arch: Arch, host: Arch = hostPlatform().arch): string {
  const { uname } = parsePlatform(arch);
  return arch === host || arch === "amd64" ? uname : `crossbuild-${uname}`;
}

/** What stands after the `-` of a tag: `armv7` for `arm/v7`. */
export function tagSuffix(arch: Arch): string {
  return arch.replace("/", "");
}

/** What KubeVirt's Dockerfile of the builder is given. */
export function buildArgsOf(arch: Arch): Readonly<Record<string, string>> {
  return { ARCH: arch, SONOBUOY_ARCH: arch, BAZEL_ARCH: arch === "amd64" ? "x86_64" : arch };
}

/** What is wrong with a word that is none of `arches`. */
export function refuseArch(word: string, arches: readonly Arch[]): string {
  const near = closest(
    word,
    arches.flatMap((arch) => [arch, parsePlatform(arch).uname]),
  );
  return `"${word}" is none of ${arches.map(spellings).join(", ")}${near === undefined ? "" : `; "${near}" is near`}`;
}

function spellings(arch: Arch): string {
  const { uname } = parsePlatform(arch);
  const others = [...new Set([uname, ...(arch === "amd64" ? [] : [`crossbuild-${uname}`])])].filter(
    (name) => name !== arch,
  );
  return others.length === 0 ? arch : `${arch} (${others.join(", ")})`;
}
