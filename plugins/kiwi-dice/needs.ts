/** What each type of image needs on its build host, and what this machine has of it. Does not know recipes. */
import { execFileSync } from "node:child_process";
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { findTool } from "../../core/index.ts";

/** MiB that a build needs at least; a small image takes half of it. */
export const leastFreeMib = 1024;

/** One program. */
export interface Program {
  readonly name: string;
  /** Debian package. */
  readonly package: string;
}

export interface Needs {
  readonly programs: readonly Program[];
  /** File systems of the kernel. */
  readonly fileSystems: readonly string[];
  /** The kernel finds partitions in a loop device. */
  readonly partitions: boolean;
}

function programs(text: string): Program[] {
  return text.split(" ").map((pair) => {
    const [name = "", from = name] = pair.split("=");
    return { name, package: from };
  });
}

const none: Needs = { programs: [], fileSystems: [], partitions: false };
const disk: Needs = {
  programs: programs("sgdisk=gdisk sfdisk=fdisk parted mkfs.vfat=dosfstools kpartx"),
  fileSystems: ["vfat"],
  partitions: true,
};
const container: Needs = { ...none, programs: programs("umoci skopeo") };

const byType: Readonly<Record<string, Needs>> = {
  docker: container,
  oci: container,
  appx: container,
  tbz: { ...none, programs: programs("tar xz=xz-utils") },
  cpio: { ...none, programs: programs("cpio xz=xz-utils") },
  ...Object.fromEntries(
    ["ext2", "ext3", "ext4"].map((name) => [
      name,
      { ...none, programs: programs(`mkfs.${name}=e2fsprogs`), fileSystems: [name] },
    ]),
  ),
  btrfs: { ...none, programs: programs("mkfs.btrfs=btrfs-progs"), fileSystems: ["btrfs"] },
  xfs: { ...none, programs: programs("mkfs.xfs=xfsprogs"), fileSystems: ["xfs"] },
  squashfs: { ...none, programs: programs("mksquashfs=squashfs-tools") },
  iso: {
    ...none,
    programs: programs("xorriso mksquashfs=squashfs-tools mtools mkfs.vfat=dosfstools grub-mkimage=grub-common"),
    fileSystems: ["iso9660", "vfat"],
  },
  oem: disk,
  pxe: disk,
  kis: disk,
};

const byManager: Readonly<Record<string, readonly Program[]>> = {
  apt: programs("debootstrap"),
  zypper: programs("zypper"),
  dnf: programs("dnf"),
  dnf4: programs("dnf"),
  dnf5: programs("dnf5"),
  microdnf: programs("microdnf"),
  pacman: programs("pacman=pacman-package-manager"),
};

/** What KIWI needs for an image of this type, built with this package manager. */
export function needsOf(type: string, manager: string, options: { readonly withBuildah?: boolean } = {}): Needs {
  const own = byType[type] ?? none;
  const tools = options.withBuildah === true && own === container ? programs("buildah skopeo") : own.programs;
  return { ...own, programs: [...programs("mount rsync"), ...(byManager[manager] ?? []), ...tools] };
}

/** What this machine lacks. */
export function findLack(needs: Needs, searchPath: string): { programs: Program[]; features: string[] } {
  const known = knownFileSystems();
  return {
    programs: needs.programs.filter(({ name }) => findTool(name, `${searchPath}:/usr/sbin:/sbin`) === undefined),
    features: [
      ...needs.fileSystems
        .filter((name) => !known.includes(name) && !hasModule(name))
        .map((name) => `file system ${name}`),
      ...(needs.partitions && !findsPartitions() ? ["partitions in a loop device"] : []),
    ],
  };
}

function knownFileSystems(): string[] {
  try {
    return readFileSync("/proc/filesystems", "utf8")
      .split("\n")
      .map((line) => line.split("\t").at(-1) ?? "");
  } catch {
    return []; // Not Linux.
  }
}

/** A file system that is loaded when it is first mounted. */
function hasModule(name: string): boolean {
  const file = `/lib/modules/${release()}/modules.dep`;
  const aliases: Readonly<Record<string, string>> = { iso9660: "isofs" };
  return existsSync(file) && readFileSync(file, "utf8").includes(`/${aliases[name] ?? name}.ko`);
}

/** Attaches a small file with one partition. False also where nobody may attach. */
function findsPartitions(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "bt-"));
  let device = "";
  try {
    const disk = writeDisk(join(folder, "disk"));
    device = execFileSync("losetup", ["-P", "-f", "--show", disk], { encoding: "utf8", stdio: "pipe" }).trim();
    return existsSync(`/sys/block/${basename(device)}/${basename(device)}p1`);
  } catch {
    return false;
  } finally {
    if (device !== "") execFileSync("losetup", ["-d", device], { stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  }
}

/** 4 MiB with an MS-DOS partition table: one Linux partition from sector 2048. */
function writeDisk(path: string): string {
  const file = openSync(path, "w");
  const entry = Buffer.alloc(66);
  entry[4] = 0x83;
  entry.writeUInt32LE(2048, 8);
  entry.writeUInt32LE(4096, 12);
  entry.writeUInt16LE(0xaa55, 64);
  ftruncateSync(file, 4 << 20);
  writeSync(file, entry, 0, entry.length, 446);
  closeSync(file);
  return path;
}
