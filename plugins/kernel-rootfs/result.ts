/** What the tasks hand on: typed results that travel along the graph. Does not know who makes them. */
import type { ImageResult } from "../multiarch-manifest/index.ts";

/** An image under a name: in an engine's storage (container), or in the store of the project and perhaps a registry (native). */
export interface NamedImage {
  /** `quay.io/lvh-images/kind-ci:6.12`. */
  readonly ref: string;
  /** Of the index or manifest. Absent: the engine has it. */
  readonly digest?: string;
}

export interface FetchedKernel {
  /** Source tree, relative to the project root, or absolute. */
  readonly dir: string;
  /** Of git. */
  readonly commit?: string;
  /** A digest that changes with what is in the tree. Absent: the commit says it all. */
  readonly state?: string;
}

export interface ConfiguredKernel {
  /** Output folder of make, relative to the project root. */
  readonly out: string;
  readonly source: string;
  /** Commit and state of the source: a kernel is built again when they change, even if its options stay. */
  readonly origin: string;
  readonly arch: string;
  /** Options that the kernel has not granted, in words; all of them are allowed or only warned about. */
  readonly unapplied: readonly string[];
}

export interface BuiltKernel {
  /** `tar-install`, relative to the project root. */
  readonly dir: string;
  /** What `uname -r` will print. */
  readonly release: string;
  readonly arch: string;
  readonly bytes: number;
  /** Version of pahole that wrote the BTF; or why there is none. */
  readonly btf?: { readonly pahole: string } | { readonly skipped: string };
}

export interface PackedKernel extends ImageResult {
  readonly kernel: string;
  readonly release: string;
}

export interface RootfsTree {
  /** A tar of the whole filesystem, relative to the project root. */
  readonly tar: string;
  readonly bytes: number;
}

export interface RootfsImage {
  /** `_data/images/base.qcow2.zst`. */
  readonly file: string;
  readonly bytes: number;
  /** Of the file system, as qemu-img says it. */
  readonly size: string;
  /** Kernel and initrd to boot it with. Absent: it has none. */
  readonly vmlinuz?: string;
  readonly initrd?: string;
}

/** How a guest did. */
export interface CheckedGuest {
  /** `Linux version` it printed. Absent: another pattern was asked for. */
  readonly kernel?: string;
  readonly matched: string;
  readonly accel: "kvm" | "tcg";
  readonly seconds: number;
}
