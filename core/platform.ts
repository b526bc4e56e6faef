/** One table of architectures and all their names. Does not know who builds for them. */
import { platformUnknown } from "./errors/builderfile.ts";

/** The architectures bt knows, in OCI spelling. */
export type Arch = "amd64" | "arm64" | "arm/v7" | "arm/v6" | "ppc64le" | "riscv64" | "s390x" | "386";

/** One architecture under the names that each tool of the field gives it. */
export interface Platform {
  /** OCI and GOARCH spelling, with the variant where it matters: `amd64`, `arm/v7`. */
  readonly arch: Arch;
  /** GOARCH alone: `arm`. */
  readonly goarch: string;
  /** OCI variant: `v7`. Absent: the platform has none. */
  readonly variant?: string;
  /** What `uname -m` prints. */
  readonly uname: string;
  /** `%{_arch}` of rpm. */
  readonly rpm: string;
  /** `dpkg --print-architecture`. */
  readonly dpkg: string;
  /** CPU name of Bazel's `@platforms//cpu`. */
  readonly bazel: string;
  /** Suffix of `qemu-user-static` and `qemu-system` programs. */
  readonly qemu: string;
  /** `ARCH=` of the Linux kernel's Makefile. */
  readonly kernel: string;
  /** `e_machine` of ELF programs. */
  readonly elfMachine: number;
  /** GNU triplet of Debian's cross compiler: `aarch64-linux-gnu`. */
  readonly triplet: string;
  /** Further spellings that are understood as input, in lower case. */
  readonly aliases: readonly string[];
}

/** Every architecture, in the order in which messages list them. */
// prettier-ignore
export const platformTable: readonly Platform[] = [
  { arch: "amd64", goarch: "amd64", uname: "x86_64", rpm: "x86_64", dpkg: "amd64", bazel: "x86_64", qemu: "x86_64", kernel: "x86_64", elfMachine: 62, triplet: "x86_64-linux-gnu", aliases: ["x86-64", "amd64/v1"] },
  { arch: "arm64", goarch: "arm64", uname: "aarch64", rpm: "aarch64", dpkg: "arm64", bazel: "aarch64", qemu: "aarch64", kernel: "arm64", elfMachine: 183, triplet: "aarch64-linux-gnu", aliases: ["arm64/v8"] },
  { arch: "arm/v7", goarch: "arm", variant: "v7", uname: "armv7l", rpm: "armv7hl", dpkg: "armhf", bazel: "armv7", qemu: "arm", kernel: "arm", elfMachine: 40, triplet: "arm-linux-gnueabihf", aliases: ["arm", "armv7"] },
  { arch: "arm/v6", goarch: "arm", variant: "v6", uname: "armv6l", rpm: "armv6hl", dpkg: "armel", bazel: "arm", qemu: "arm", kernel: "arm", elfMachine: 40, triplet: "arm-linux-gnueabi", aliases: ["armv6"] },
  { arch: "ppc64le", goarch: "ppc64le", uname: "ppc64le", rpm: "ppc64le", dpkg: "ppc64el", bazel: "ppc64le", qemu: "ppc64le", kernel: "powerpc", elfMachine: 21, triplet: "powerpc64le-linux-gnu", aliases: ["powerpc64le"] },
  { arch: "riscv64", goarch: "riscv64", uname: "riscv64", rpm: "riscv64", dpkg: "riscv64", bazel: "riscv64", qemu: "riscv64", kernel: "riscv", elfMachine: 243, triplet: "riscv64-linux-gnu", aliases: [] },
  { arch: "s390x", goarch: "s390x", uname: "s390x", rpm: "s390x", dpkg: "s390x", bazel: "s390x", qemu: "s390x", kernel: "s390", elfMachine: 22, triplet: "s390x-linux-gnu", aliases: [] },
  { arch: "386", goarch: "386", uname: "i686", rpm: "i686", dpkg: "i386", bazel: "x86_32", qemu: "i386", kernel: "i386", elfMachine: 3, triplet: "i686-linux-gnu", aliases: ["i386"] },
];

const byName = new Map<string, Platform>();
for (const platform of platformTable) {
  for (const name of [platform.arch, platform.uname, platform.rpm, platform.dpkg, ...platform.aliases]) {
    byName.set(name, platform);
  }
}

/** The platform called `name` by any tool, case ignored, with or without `linux/`. */
export function findPlatform(name: string): Platform | undefined {
  return byName.get(
    name
      .trim()
      .toLowerCase()
      .replace(/^linux\//, ""),
  );
}

/**
 * The platform called `name`.
 * @throws BtError PLATFORM_UNKNOWN, with the names that exist.
 */
export function parsePlatform(name: string): Platform {
  const platform = findPlatform(name);
  if (platform === undefined)
    throw platformUnknown(
      name,
      platformTable.map((entry) => entry.arch),
    );
  return platform;
}

/**
 * Architectures as matrix values, in OCI spelling and in the given order; any tool's spelling is understood.
 * @throws BtError PLATFORM_UNKNOWN
 */
export function platforms<const A extends readonly Arch[]>(...names: A): A;
// `string & {}`: any text, and editors still offer the known ones.
export function platforms(...names: readonly (Arch | (string & {}))[]): readonly Arch[];
export function platforms(...names: readonly string[]): readonly Arch[] {
  return [...new Set(names.map((name) => parsePlatform(name).arch))];
}

/** The platform of the machine bt runs on. */
export function hostPlatform(): Platform {
  const names: Partial<Record<NodeJS.Architecture, string>> = { x64: "amd64", ia32: "386", arm: "arm/v7" };
  return parsePlatform(
    names[process.arch] ?? (process.arch === ("ppc64" as NodeJS.Architecture) ? "ppc64le" : process.arch),
  );
}

/** `linux/arm/v7` for `arm/v7`: the platform as OCI tools write it. */
export function ociPlatform(arch: string): string {
  return `linux/${parsePlatform(arch).arch}`;
}
