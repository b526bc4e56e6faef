/** The variables of the tasks, with the builderfile's values as their defaults. Does not know what they are used for. */
import { hostPlatform, param, type Arch, type Param } from "../../core/index.ts";
import type { KernelRootfsOptions, RootfsBackend, TargetArch } from "./options.ts";
import type { Outline } from "./outline.ts";

/** Architectures that can be asked for. */
export const targetArches: readonly TargetArch[] = ["amd64", "arm64"];

/** The architecture of this machine; amd64 on any that is not known. */
export function hostArch(): TargetArch {
  return hostPlatform().arch === "arm64" ? "arm64" : "amd64";
}

/** The first is the default of `root-builder-ci`, the second of nothing: little-vm-helper-images has it and uses it nowhere. */
export const builderNames = ["kernel-builder", "root-builder", "root-images", "kernel-images"] as const;

/** Param `kindImages` of the flavor `kind`. */
export function flavorParam(flavor: string): string {
  return `${flavor.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Images`;
}

/** Of the tasks that have the names and variables of the Makefile. */
export interface MakeValues {
  readonly ociorg: string;
  readonly kernelVersions: readonly string[];
  readonly docker: string;
  readonly dockerBuildkit: string;
  readonly targetArch: readonly TargetArch[];
  readonly pkgRepo: string;
  readonly buildMode: "container" | "native";
  readonly kernelBuilderTag: string;
  readonly rootBuilderTag: string;
  readonly rootImagesTag: string;
  readonly push: boolean;
  readonly refresh: readonly string[];
  readonly rootfsBackend: RootfsBackend;
  readonly [name: string]: unknown;
}

/** Params of the tasks of the Makefile. */
export function makeParams(options: KernelRootfsOptions, outline: Outline): Readonly<Record<string, Param>> {
  const image = (name: string): Param =>
    param.string({ description: `Name of the image. Default: $OCIORG/${name}${options.ciSuffix ?? "-ci"}` });
  const tag = (what: string): Param => param.string({ default: "main", description: `Tag of the ${what}` });
  return {
    ociorg: param.string({
      default: options.registry ?? "quay.io/lvh-images",
      description: "What all names of images start with",
    }),
    lvh: param.string({ description: "Understood, used by nothing" }),
    kernelVersions: param.listOf(outline.kernels, { default: outline.ordinary, description: "Kernels to build" }),
    docker: param.string({ default: options.engine ?? "docker", description: "docker, podman, buildah, or a path" }),
    dockerBuildkit: param.string({ default: "1", description: "DOCKER_BUILDKIT of the engine" }),
    targetArch: param.listOf(targetArches, { default: [hostArch()], description: "Architecture of kernels" }),
    kernelBuilder: image("kernel-builder"),
    rootBuilder: image("root-builder"),
    rootImages: image("root-images"),
    kernelImages: image("kernel-images"),
    ...Object.fromEntries(Object.keys(options.flavors ?? {}).map((name) => [flavorParam(name), image(name)])),
    kernelBuilderTag: tag("kernel builder"),
    rootBuilderTag: tag("rootfs builder"),
    rootImagesTag: tag("root images"),
    push: param.flag({ description: "native: also publish to the registry" }),
    ...rootfsParams(options),
    ...modeParams(options),
    ...refreshParams,
  };
}

/** `container` runs the dockerfiles, `native` does the steps itself. */
function modeParams(options: KernelRootfsOptions): Readonly<Record<string, Param>> {
  return {
    buildMode: param.enum(["container", "native"], {
      default: options.mode ?? "container",
      description: "Who does the steps: the dockerfiles, or bt",
    }),
  };
}

const refreshParams = { refresh: param.list({ description: "What to make again: all, kernel:NAME, rootfs:NAME" }) };

/** Of the steps of a kernel. */
export interface KernelValues {
  readonly targetArch: Arch;
  readonly configCheck: "warn" | "strict";
  readonly refresh: readonly string[];
  readonly sourceDateEpoch: string | undefined;
}

/** Of the source of a kernel. */
export function sourceParams(outline: Outline): Readonly<Record<string, Param>> {
  return {
    kernelVersions: param.listOf(outline.kernels, { default: outline.ordinary, description: "Kernels to build" }),
    ...refreshParams,
  };
}

export function kernelParams(options: KernelRootfsOptions, outline: Outline): Readonly<Record<string, Param>> {
  return {
    ...sourceParams(outline),
    targetArch: param.arch({ default: hostArch(), description: "amd64 or arm64" }),
    configCheck: param.enum(["strict", "warn"], {
      default: options.configCheck ?? "strict",
      description: "Whether an option that is not applied fails the task",
    }),
    sourceDateEpoch: param.string({ description: "Seconds since 1970: the time in what is built" }),
  };
}

/** Of the steps of a root filesystem. */
export interface RootfsValues {
  readonly pkgRepo: string;
  readonly rootfsBackend: RootfsBackend;
  readonly libguestfsBackend: string | undefined;
  readonly libguestfsBackendSettings: string | undefined;
  readonly targetArch: Arch;
  readonly refresh: readonly string[];
  readonly withChildren: boolean;
  readonly sourceDateEpoch: string | undefined;
}

function rootfsParams(options: KernelRootfsOptions): Readonly<Record<string, Param>> {
  return {
    pkgRepo: param.string({ default: options.pkgRepo ?? "sid", description: "Debian suite of the packages" }),
    rootfsBackend: param.enum(["mke2fs", "libguestfs", "lvh"], {
      default: options.rootfsBackend ?? "mke2fs",
      description: "Who makes images",
    }),
    libguestfsBackend: param.string({ description: "Who starts libguestfs' own guest. Default: direct" }),
    libguestfsBackendSettings: param.string({
      description: "Its settings. Default: force_tcg where KVM does not run guests",
    }),
  };
}

export function imageParams(options: KernelRootfsOptions): Readonly<Record<string, Param>> {
  return {
    ...rootfsParams(options),
    targetArch: param.arch({ default: hostArch(), description: "amd64 or arm64" }),
    withChildren: param.flag({ description: "Also what is made from it" }),
    sourceDateEpoch: param.string({ description: "Seconds since 1970: the time in what is built" }),
    ...refreshParams,
  };
}

/** How a guest is run. */
export interface MachineValues {
  readonly image: string | undefined;
  readonly kernel: string | undefined;
  readonly kernelDir: string | undefined;
  readonly initrd: string | undefined;
  readonly append: string | undefined;
  readonly accel: "auto" | "kvm" | "tcg";
  readonly cpu: number;
  readonly mem: string;
  readonly cpuKind: string | undefined;
  readonly qemuArch: Arch;
  readonly rootDev: "vda" | "hda";
  readonly hostMount: string | undefined;
  readonly port: readonly string[];
  readonly consoleLog: string | undefined;
  readonly daemonize: boolean;
  readonly serialPort: number | undefined;
  readonly monitorPort: number | undefined;
}

export function machineParams(options: KernelRootfsOptions): Readonly<Record<string, Param>> {
  return {
    ...rootfsParams(options), // Of an image that is made first.
    image: param.string({
      description: "One of images.json, FILE, FILE.zst, HOST/REPO:TAG, oci:DIR:NAME, or none",
    }),
    kernel: param.string({
      description: "Kernel to boot: one of kernels.json, or a file. Default: the one beside the image",
    }),
    kernelDir: param.string({ description: "Folder with boot/vmlinuz-*, such as tar-install" }),
    initrd: param.string({ description: "Initial ramdisk: a file" }),
    append: param.string({ description: "Added to the kernel's command line" }),
    accel: param.enum(["auto", "kvm", "tcg"], { default: options.accel ?? "auto", description: "Who runs the guest" }),
    cpu: param.integer({ default: 2, description: "Processors" }),
    mem: param.string({ default: "4G", description: "Memory" }),
    cpuKind: param.string({ description: "-cpu of qemu" }),
    qemuArch: param.arch({ default: hostArch(), description: "Architecture of the guest" }),
    rootDev: param.enum(["vda", "hda"], { default: "vda", description: "Disk of the root filesystem" }),
    hostMount: param.string({ description: "Folder that the guest sees as 9p tag host_mount" }),
    port: param.list({ description: "Forwarded ports: HOST[:GUEST[:tcp|udp]]" }),
    consoleLog: param.string({ description: "File that gets what the guest prints" }),
    daemonize: param.flag({ description: "Leave it running" }),
    serialPort: param.integer({ description: "Telnet port of the serial line" }),
    monitorPort: param.integer({ description: "Port of qemu's monitor" }),
  };
}
