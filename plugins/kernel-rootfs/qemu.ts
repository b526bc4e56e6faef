/** The command line of qemu, as little-vm-helper writes it. Pure. */
import { parsePlatform } from "../../core/index.ts";
import type { MachineValues } from "./params.ts";
import { portWrong } from "./vm-errors.ts";

/** A guest, everything found. */
export interface Guest {
  readonly values: Omit<MachineValues, "accel">;
  readonly accel: "kvm" | "tcg";
  /** Disk. Absent: the guest has none. */
  readonly disk?: { readonly file: string; readonly format: "qcow2" | "raw"; readonly isSnapshot: boolean };
  readonly kernel?: string;
  readonly initrd?: string;
  /** Where the console goes: the terminal, or a file that is watched while qemu can be told to stop. */
  readonly console:
    | { readonly kind: "terminal" }
    | { readonly kind: "watched"; readonly log: string; readonly socket: string };
}

export function qemuProgram(arch: string): string {
  return `qemu-system-${parsePlatform(arch).qemu}`;
}

/** @throws BtError KERNEL_ROOTFS_PORT_WRONG */
export function qemuArguments(guest: Guest): readonly string[] {
  const { values, accel } = guest;
  const isArm = values.qemuArch === "arm64";
  const cpu =
    accel === "kvm" ? (values.cpuKind ?? (isArm ? "host" : "kvm64")) : (values.cpuKind ?? (isArm ? "max" : undefined));
  return [
    ...(isArm ? ["-machine", "virt"] : []),
    ...["-nodefaults", "-display", "none", "-no-reboot"],
    ...["-smp", String(values.cpu), "-m", values.mem],
    ...(accel === "kvm" ? ["-enable-kvm"] : []),
    ...(cpu === undefined ? [] : ["-cpu", cpu]),
    ...diskArguments(guest),
    ...kernelArguments(guest),
    ...networkArguments(values),
    ...consoleArguments(guest),
    ...mountArguments(values),
  ];
}

function diskArguments({ disk, values }: Guest): readonly string[] {
  if (disk === undefined) return [];
  const snapshot = disk.isSnapshot ? ",snapshot=on" : "";
  if (values.rootDev === "hda") return [...(disk.isSnapshot ? ["-snapshot"] : []), "-hda", disk.file];
  return [
    "-drive",
    `file=${disk.file.replaceAll(",", ",,")},format=${disk.format},if=virtio,index=0,media=disk${snapshot}`,
  ];
}

function kernelArguments({ kernel, initrd, values, disk }: Guest): readonly string[] {
  if (kernel === undefined) return [];
  const device = values.qemuArch === "arm64" ? "ttyAMA0" : "ttyS0";
  const early = values.qemuArch === "arm64" ? "" : ` earlyprintk=${device}`;
  const root = disk === undefined ? "" : `root=/dev/${values.rootDev === "hda" ? "sda" : "vda"} rw `;
  const append = `${root}console=${device}${early} panic=-1${values.append === undefined ? "" : ` ${values.append}`}`;
  return ["-kernel", kernel, ...(initrd === undefined ? [] : ["-initrd", initrd]), "-append", append];
}

function networkArguments({ port }: Guest["values"]): readonly string[] {
  return ["-netdev", `user,id=user.0${forwardsOf(port).join("")}`, "-device", "virtio-net-pci,netdev=user.0"];
}

/** @throws BtError KERNEL_ROOTFS_PORT_WRONG */
export function forwardsOf(ports: readonly string[]): readonly string[] {
  return ports.map((text) => {
    const [, host, guest = host, protocol = "tcp"] = /^(\d+)(?::(\d+))?(?::(tcp|udp))?$/.exec(text) ?? [];
    if (host === undefined) throw portWrong(text);
    return `,hostfwd=${protocol}::${host}-:${guest}`;
  });
}

function consoleArguments({ console, values }: Guest): readonly string[] {
  const { consoleLog, serialPort, monitorPort, daemonize } = values;
  const monitor = monitorPort === undefined ? [] : ["-monitor", `tcp:localhost:${monitorPort},server,nowait`];
  if (console.kind === "watched")
    return [
      ...["-chardev", `stdio,id=console,signal=off,logfile=${console.log}`, "-serial", "chardev:console"],
      ...["-qmp", `unix:${console.socket},server=on,wait=off`],
      ...monitor,
    ];
  if (consoleLog !== undefined)
    return ["-serial", `file:${consoleLog}`, ...(daemonize ? ["-daemonize"] : []), ...monitor];
  if (serialPort !== undefined)
    return [
      "-serial",
      `telnet:localhost:${serialPort},server,nowait`,
      ...(daemonize ? ["-daemonize"] : []),
      ...monitor,
    ];
  return daemonize ? ["-daemonize", ...monitor] : ["-serial", "mon:stdio", "-device", "virtio-serial-pci", ...monitor];
}

function mountArguments({ hostMount }: Guest["values"]): readonly string[] {
  if (hostMount === undefined) return [];
  return [
    ...["-fsdev", `local,id=host_id,path=${hostMount},security_model=none`],
    ...["-device", "virtio-9p-pci,fsdev=host_id,mount_tag=host_mount"],
  ];
}
