/** What the tasks hand on: the typed results that travel from build to publish. Does not know who makes them. */
import type { Arch } from "../../core/index.ts";
import type { ImageResult } from "../multiarch-manifest/index.ts";

/** A builder that was built. */
export interface BuiltBuilder {
  readonly variant: string;
  readonly version: string;
  readonly source: { readonly commit: string; readonly dirty: boolean };
  /** `quay.io/kubevirt/builder`. */
  readonly repository: string;
  /** By architecture: `amd64`. */
  readonly images: Readonly<Partial<Record<Arch, ImageResult>>>;
  readonly cross: BuiltCross;
}

/** The cross image, or why there is none. */
export type BuiltCross = { readonly repository: string; readonly image: ImageResult } | { readonly skipped: string };

/** A builder that was published. */
export interface PublishedBuilder {
  readonly variant: string;
  readonly version: string;
  /** `quay.io/kubevirt/builder:VERSION`: what scripts run the builder by. */
  readonly reference: string;
  /** Of the index. */
  readonly digest: string;
  /** `unchanged`: the registry had exactly this before. */
  readonly status: "pushed" | "unchanged";
  readonly images: Readonly<
    Partial<Record<Arch, { readonly reference: string; readonly digest: string; readonly imageId: string }>>
  >;
  /** Absent: none was built. */
  readonly cross?: { readonly reference: string; readonly digest: string };
}

/** What a verification has seen. */
export interface VerifiedBuilder {
  readonly reference: string;
  readonly digest: string;
  readonly images: Readonly<Partial<Record<Arch, { readonly digest: string; readonly imageId: string }>>>;
}

/** One image of one architecture that Bazel pushed under one tag. */
export interface PushedImage {
  readonly image: string;
  readonly arch: Arch;
  /** `quay.io/kubevirt/virt-api`. */
  readonly repository: string;
  /** Tag of all architectures: `latest`. */
  readonly tag: string;
  /** Tag that was pushed: `latest-s390x`, or `latest` when there is one architecture. */
  readonly archTag: string;
  readonly digest: string;
}

/** All that `bazel-push` did. */
export interface PushedImages {
  readonly arches: readonly Arch[];
  readonly pushed: readonly PushedImage[];
}

/** Indexes by reference. Empty: one architecture needs none. */
export type PushedIndexes = Readonly<
  Record<string, { readonly digest: string; readonly status: "pushed" | "unchanged" }>
>;
