/** Which package has a program, on Debian, Fedora and openSUSE, and the command that installs it. Pure; does not know what needs it. */

export type PackageManager = "apt" | "dnf" | "zypper";

/** Package names by package manager. Absent: that distribution has none. */
export interface Packages {
  readonly apt?: string;
  readonly dnf?: string;
  readonly zypper?: string;
  /** Where people without a package get it. */
  readonly site?: string;
}

/** Programs whose packages are not called as they are: apt, dnf, zypper. */
const table: Readonly<Record<string, readonly [apt: string, dnf: string, zypper: string]>> = {
  debugfs: ["e2fsprogs", "e2fsprogs", "e2fsprogs"],
  docker: ["docker.io", "moby-engine", "docker"],
  gpg: ["gnupg", "gnupg2", "gpg2"],
  "grub-mkimage": ["grub-common", "grub2-tools", "grub2"],
  guestfish: ["libguestfs-tools", "libguestfs", "libguestfs"],
  "kiwi-ng": ["kiwi", "kiwi-cli", "python3-kiwi"],
  mke2fs: ["e2fsprogs", "e2fsprogs", "e2fsprogs"],
  "mkfs.btrfs": ["btrfs-progs", "btrfs-progs", "btrfsprogs"],
  "mkfs.ext2": ["e2fsprogs", "e2fsprogs", "e2fsprogs"],
  "mkfs.ext3": ["e2fsprogs", "e2fsprogs", "e2fsprogs"],
  "mkfs.ext4": ["e2fsprogs", "e2fsprogs", "e2fsprogs"],
  "mkfs.vfat": ["dosfstools", "dosfstools", "dosfstools"],
  "mkfs.xfs": ["xfsprogs", "xfsprogs", "xfsprogs"],
  mksquashfs: ["squashfs-tools", "squashfs-tools", "squashfs"],
  pahole: ["pahole", "dwarves", "dwarves"],
  "qemu-img": ["qemu-utils", "qemu-img", "qemu-img"],
  "qemu-system-aarch64": ["qemu-system-arm", "qemu-system-aarch64", "qemu-arm"],
  "qemu-system-x86_64": ["qemu-system-x86", "qemu-system-x86", "qemu-x86"],
  "qemu-user-static": ["qemu-user-static", "qemu-user-static", "qemu-linux-user"],
  rpmkeys: ["rpm", "rpm", "rpm"],
  sfdisk: ["fdisk", "util-linux", "util-linux"],
  sgdisk: ["gdisk", "gdisk", "gptfdisk"],
  ssh: ["openssh-client", "openssh-clients", "openssh-clients"],
  unshare: ["util-linux", "util-linux", "util-linux"],
  "virt-customize": ["libguestfs-tools", "guestfs-tools", "guestfs-tools"],
  xz: ["xz-utils", "xz", "xz"],
};

/** Programs that not every distribution packages. */
const rare: Readonly<Record<string, Packages>> = {
  bazel: { apt: "bazel-bootstrap", zypper: "bazel", site: "https://bazel.build/install" },
  bazeldnf: { site: "https://github.com/rmohr/bazeldnf/releases" },
  oc: { dnf: "openshift-clients", site: "https://github.com/okd-project/okd/releases" },
};

/** The packages that have a program; one that is not known is called as its package. */
export function packagesOf(program: string): Packages {
  const own = rare[program];
  if (own !== undefined) return own;
  const [, target, compiler] = /^(.*)-linux-gnu\w*-(gcc|g\+\+)$/.exec(program) ?? [];
  if (target !== undefined) {
    const triplet = program.slice(0, program.lastIndexOf("-"));
    const isPlus = compiler === "g++";
    return {
      apt: `${compiler}-${triplet.replaceAll("_", "-")}`,
      dnf: `gcc-${isPlus ? "c++-" : ""}${triplet}`,
      zypper: `cross-${target.replace("powerpc64", "ppc64")}-gcc13${isPlus ? "-c++" : ""}`,
    };
  }
  const [apt, dnf, zypper] = table[program] ?? [program, program, program];
  return { apt, dnf, zypper };
}

/** The package manager of a distribution, from its `/etc/os-release`. Undefined: none of the three. */
export function findManager(osRelease: string): PackageManager | undefined {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?=["']?([^"'\n]*)/gm)].flatMap(([, words = ""]) => words.split(" "));
  if (ids.some((id) => /^(debian|ubuntu)$/.test(id))) return "apt";
  if (ids.some((id) => /^(fedora|rhel|centos)$/.test(id))) return "dnf";
  return ids.some((id) => /^(suse|opensuse.*|sles)$/.test(id)) ? "zypper" : undefined;
}

const commands: Readonly<Record<PackageManager, string>> = {
  apt: "apt-get install",
  dnf: "dnf install",
  zypper: "zypper install",
};

/** What somebody has to type, or where to look. */
export function installCommand(install: string | Packages, manager: PackageManager | undefined): string {
  if (typeof install === "string") return install;
  const known = manager === undefined ? undefined : install[manager];
  if (manager !== undefined && known !== undefined) return `${commands[manager]} ${known}`;
  if (install.site !== undefined) return install.site;
  const others = Object.entries(commands).map(([name, command]) => [command, install[name as PackageManager]] as const); // Its own keys.
  return others.flatMap(([command, name]) => (name === undefined ? [] : [`${command} ${name}`])).join(", or ");
}

/** One command for several packages. Undefined: there is nothing that this package manager has. */
export function installAll(
  wanted: readonly (string | Packages)[],
  manager: PackageManager | undefined,
): string | undefined {
  if (manager === undefined) return undefined;
  const names = wanted.flatMap((install) => (typeof install === "string" ? [] : (install[manager] ?? [])));
  return names.length === 0 ? undefined : `${commands[manager]} ${[...new Set(names)].sort().join(" ")}`;
}
