/** Every message about building, publishing and planning. Knows only BtError; messages about data are in data-errors.ts, about guests in vm-errors.ts. */
import { BtError, closest, type Place } from "../../core/index.ts";

/** What a backend cannot do, before it is started. */
export function backendLimited(backend: string, limit: string, fix: string): BtError {
  return new BtError("KERNEL_ROOTFS_BACKEND", `ROOTFS_BACKEND is "${backend}", which ${limit}`, { fix });
}

export function configUnapplied(kernel: string, lines: readonly string[]): BtError {
  return new BtError(
    "KERNEL_ROOTFS_CONFIG_UNAPPLIED",
    `${lines.length === 1 ? "An option" : `${lines.length} options`} of kernel "${kernel}" ${lines.length === 1 ? "is" : "are"} not as asked`,
    {
      exitCode: 1,
      detail: lines,
      fix: `Remove them, enable what they need, list them in \`configAllow\`, or say CONFIG_CHECK=warn.`,
    },
  );
}

export function digestWrong(file: string, expected: string, found: string): BtError {
  return new BtError("KERNEL_ROOTFS_DIGEST_WRONG", `"${file}" has the SHA-256 ${found}, and ${expected} is expected`, {
    exitCode: 1,
    fix: "Fetch it again, or correct `sha256` of the tarball.",
  });
}

export function engineWrong(engine: string): BtError {
  return new BtError("KERNEL_ROOTFS_ENGINE_WRONG", `DOCKER is "${engine}", which is no container engine bt knows`, {
    fix: "Use docker, podman or buildah, or a path that ends in one of them.",
  });
}

export function heredocUnsupported(at: Place, engine: string, version: string): BtError {
  return new BtError("KERNEL_ROOTFS_HEREDOC", `${engine} ${version} cannot read the heredoc of this dockerfile`, {
    at,
    fix: "Use docker with BuildKit, buildah 1.33 or podman 4.8 or newer, or BUILD_MODE=native.",
  });
}

export function labelUnknown(label: string, kernel: string, known: readonly string[]): BtError {
  const near = closest(kernel, known);
  return new BtError(
    "KERNEL_ROOTFS_LABEL_UNKNOWN",
    `The label "${label}" names the kernel "${kernel}", which is not there`,
    {
      at: { where: "LABELS" },
      detail: [`known: ${known.join(" ")}`],
      fix: near === undefined ? "Correct the label." : `Use "${label.slice(0, -kernel.length)}${near}".`,
    },
  );
}

export function refreshUnknown(word: string, known: readonly string[]): BtError {
  const near = closest(word, known);
  return new BtError("KERNEL_ROOTFS_REFRESH_UNKNOWN", `REFRESH names "${word}", which is not there`, {
    at: { where: "REFRESH" },
    detail: [`known: ${known.join(" ")}`],
    fix: near === undefined ? "Use one of the names above." : `Use "${near}".`,
  });
}

export function releaseName(name: string): BtError {
  return new BtError("KERNEL_ROOTFS_RELEASE_NAME", `"${name}" is no name of a release`, {
    at: { where: "NAME" },
    fix: "Use main, or v and a version, for example v1.0.0.",
  });
}

export function releaseTagMalformed(key: string, tag: string, expected: string): BtError {
  return new BtError("KERNEL_ROOTFS_TAG_MALFORMED", `"${key}" has the tag "${tag}", which is not ${expected}`, {
    fix: `Write the right one with \`bt versions:set KEY=${key} VALUE=…\`.`,
  });
}

export function tagsDiffer(key: string, tags: readonly string[]): BtError {
  return new BtError(
    "KERNEL_ROOTFS_TAGS_DIFFER",
    `The architectures of "${key}" have different tags: ${tags.join(" and ")}`,
    {
      fix: "Build both in one run, or release them with `bt ci:release` by names only.",
    },
  );
}

export function versionMissing(key: string, task: string): BtError {
  return new BtError("KERNEL_ROOTFS_VERSION_MISSING", `The version table has no "${key}"`, {
    fix: `Build it with \`bt ${task}\`, or write it with \`bt versions:set KEY=${key} VALUE=…\`.`,
  });
}

export function versionKeyUnknown(key: string, known: readonly string[]): BtError {
  const near = closest(key, known);
  return new BtError("KERNEL_ROOTFS_KEY_FOREIGN", `"${key}" is no key of the version table`, {
    at: { where: "KEY" },
    fix: near === undefined ? "Run `bt versions:show` to see keys." : `Use "${near}".`,
  });
}

export function versionChanged(key: string, expected: string, found: string | undefined): BtError {
  return new BtError(
    "KERNEL_ROOTFS_VERSION_CHANGED",
    `"${key}" is ${found === undefined ? "not there" : `"${found}"`}, and "${expected}" was expected`,
    { exitCode: 1, fix: "Look at it with `bt versions:show`, and decide again." },
  );
}

export function versionStoreDamaged(file: string, cause: unknown): BtError {
  return new BtError("KERNEL_ROOTFS_VERSIONS_DAMAGED", `The version table "${file}" cannot be read`, {
    cause,
    fix: "Get the last good one from git.",
  });
}

export function diffFailed(base: string, reason: string): BtError {
  return new BtError("KERNEL_ROOTFS_DIFF_FAILED", `git cannot compare with "${base}": ${reason}`, {
    exitCode: 1,
    fix: "Fetch that commit (a shallow checkout may lack it), or name files with CHANGED=….",
  });
}

export function nowWrong(text: string): BtError {
  return new BtError("KERNEL_ROOTFS_NOW_WRONG", `"${text}" is no time`, {
    at: { where: "NOW" },
    fix: "Write it as 2026-01-31T12:00:00Z.",
  });
}

export function pkgRepoContradicts(kernel: string, given: string, own: string): BtError {
  return new BtError(
    "KERNEL_ROOTFS_PKG_REPO",
    `PKG_REPO is "${given}", and kernel "${kernel}" takes packages of "${own}"`,
    {
      fix: `Leave PKG_REPO out, or change \`pkgRepo\` of the kernel.`,
    },
  );
}

export function archUnsupported(what: string, arch: string, known: readonly string[]): BtError {
  return new BtError("KERNEL_ROOTFS_ARCH", `"${what}" is made for ${known.join(", ")}, not for ${arch}`, {
    fix: "Change TARGET_ARCH, or the platforms in the builderfile.",
  });
}

export function rootNeeded(): BtError {
  return new BtError("KERNEL_ROOTFS_ROOT_NEEDED", "Files of other owners can only be made by root", {
    fix: "Run bt as root, or in a container.",
  });
}

export function toolMissing(tool: string, task: string, install: string): BtError {
  return new BtError("KERNEL_ROOTFS_TOOL_MISSING", `Task "${task}" needs "${tool}", which is not on PATH`, {
    fix: `Install it with \`${install}\`.`,
  });
}

export function sourceForeign(kernel: string, kind: string): BtError {
  return new BtError(
    "KERNEL_ROOTFS_SOURCE_FOREIGN",
    `The source of kernel "${kernel}" is ${kind}, which only its dockerfile builds`,
    {
      fix: "Use BUILD_MODE=container for it.",
    },
  );
}

export function imageDamaged(file: string, reason: string): BtError {
  return new BtError("KERNEL_ROOTFS_IMAGE_DAMAGED", `"${file}" is damaged: ${reason}`, {
    exitCode: 1,
    fix: "Make or fetch it again.",
  });
}

export function diskSmall(task: string, size: string): BtError {
  return new BtError("KERNEL_ROOTFS_DISK_SMALL", `The files of "${task}" do not fit on a disk of ${size}`, {
    exitCode: 1,
    fix: "Raise `image_size` of the image, or leave it out.",
  });
}

export function diskFull(task: string): BtError {
  return new BtError("KERNEL_ROOTFS_DISK_FULL", `There is no space left for what "${task}" writes`, {
    exitCode: 1,
    fix: "Free some space; `bt` removes nothing by itself.",
  });
}

/** `mirror`: absent for the one that mmdebstrap takes by itself. */
export function mirrorStale(mirror: string | undefined, lines: readonly string[]): BtError {
  return new BtError("KERNEL_ROOTFS_MIRROR_STALE", `${describeMirror(mirror)} is out of date`, {
    exitCode: 1,
    detail: lines,
    fix: "Name another one as `debian: { mirror }`, or another suite; and look at the clock of this machine.",
  });
}

function describeMirror(mirror: string | undefined): string {
  return mirror === undefined ? "Mmdebstrap's own mirror" : `The Debian mirror "${mirror}"`;
}

/** `mirror`: as above. */
export function mirrorUnreachable(mirror: string | undefined, lines: readonly string[]): BtError {
  return new BtError("KERNEL_ROOTFS_MIRROR", `${describeMirror(mirror)} cannot be reached`, {
    exitCode: 1,
    detail: lines,
    fix: "Try again, or name another one as `debian: { mirror }`.",
  });
}
