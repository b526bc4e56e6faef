/** Which child of an index is for a platform, and whether a config agrees with it. Pure; does not know where images are. */
import { findPlatform, parsePlatform, type Arch } from "../../core/index.ts";
import { childAmbiguous, childMissing } from "./errors.ts";
import type { Descriptor, DescriptorPlatform } from "./oci.ts";

/** How to choose. */
export interface ChooseOptions {
  /** Architectures of a source that stand for `arm/v7`, such as Fedora's `armhfp`. Default: none. */
  readonly armFallback?: readonly string[];
}

/** The chosen child. */
export interface Choice {
  readonly child: Descriptor;
  /** A sentence for the log when the child is older than asked for. */
  readonly warning?: string;
}

/**
 * The child for `arch`: same os and architecture, then the best variant. Attestations are never chosen.
 * @throws BtError MANIFEST_CHILD_MISSING with the platforms that exist, MANIFEST_CHILD_AMBIGUOUS with both digests
 */
export function chooseChild(
  children: readonly Descriptor[],
  arch: Arch,
  where: string,
  options: ChooseOptions = {},
): Choice {
  const images = children.filter(isImage);
  const ranked = images.flatMap((child) => {
    const rank = rankOf(child.platform, arch, options);
    return rank === undefined ? [] : [{ child, rank }];
  });
  const best = Math.min(...ranked.map(({ rank }) => rank));
  const [first, ...others] = ranked.filter(({ rank }) => rank === best).map(({ child }) => child);
  if (first === undefined)
    throw childMissing(
      where,
      arch,
      images.map((child) => renderPlatform(child.platform)),
    );
  const other = others.find((child) => child.digest !== first.digest);
  if (other !== undefined) throw childAmbiguous(where, arch, [first.digest, other.digest]);
  const older = best >= olderRank && first.platform?.variant !== undefined;
  return older
    ? { child: first, warning: `${where} has no ${arch}; ${renderPlatform(first.platform)} is used` }
    : { child: first };
}

/** Whether a child is an image: not an attestation, not of an unknown platform. */
export function isImage(child: Descriptor): boolean {
  if (child.annotations?.["vnd.docker.reference.type"] === "attestation-manifest") return false;
  return child.platform === undefined || child.platform.os !== "unknown" || child.platform.architecture !== "unknown";
}

/** The platform of bt's table. Undefined: another system, or an architecture that bt does not know. */
export function archOf(platform: DescriptorPlatform): Arch | undefined {
  if (platform.os !== "linux") return undefined;
  const variant = variantOf(platform);
  return findPlatform(variant === undefined ? platform.architecture : `${platform.architecture}/${variant}`)?.arch;
}

/** The platform as image documents write it. */
export function descriptorPlatform(arch: Arch): DescriptorPlatform {
  const { goarch, variant } = parsePlatform(arch);
  return variant === undefined ? { architecture: goarch, os: "linux" } : { architecture: goarch, os: "linux", variant };
}

/** Whether a config can be in the slot of `arch`: same os and architecture, variants equal or one absent. */
export function agrees(config: DescriptorPlatform, arch: Arch): boolean {
  const wanted = parsePlatform(arch);
  if (config.os !== "linux" || findPlatform(config.architecture)?.goarch !== wanted.goarch) return false;
  const variant = variantOf(config);
  return variant === undefined || variant === wanted.variant;
}

/** `linux/arm/v7`; `unknown` when there is none. */
export function renderPlatform(platform: DescriptorPlatform | undefined): string {
  if (platform === undefined) return "unknown";
  return [platform.os, platform.architecture, ...(platform.variant === undefined ? [] : [platform.variant])].join("/");
}

/** Ranks from here on are older than what was asked for. */
const olderRank = 2;

/** 0 exact · 1 the variant is left open · 2… older. Undefined: it cannot run there. */
function rankOf(platform: DescriptorPlatform | undefined, arch: Arch, options: ChooseOptions): number | undefined {
  if (platform === undefined || platform.os !== "linux") return undefined;
  const wanted = parsePlatform(arch);
  if (arch === "arm/v7" && options.armFallback?.includes(platform.architecture) === true) return 5;
  if (platform.architecture !== wanted.goarch) return undefined;
  const variant = variantOf(platform);
  if (variant === wanted.variant) return 0;
  if (arch === "arm/v7") return { none: 1, v6: 2, v5: 3 }[variant ?? "none"];
  if (arch === "arm/v6") return variant === "v5" ? 2 : undefined;
  return undefined;
}

/** The variant that matters: v8 is all of arm64, v1 all of amd64. */
function variantOf(platform: DescriptorPlatform): string | undefined {
  const { architecture, variant } = platform;
  if (
    variant === "" ||
    (architecture === "arm64" && variant === "v8") ||
    (architecture === "amd64" && variant === "v1")
  )
    return undefined;
  return variant;
}
