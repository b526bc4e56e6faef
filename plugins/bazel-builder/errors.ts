/** Every message about builders, their images and manifests. Knows only BtError. */
import { BtError, closest, type Place } from "../../core/index.ts";
import type { Finding } from "./proof.ts";

export function archesFailed(
  failed: readonly { readonly name: string; readonly problem: string }[],
  built: readonly string[],
  exitCode: number,
): BtError {
  const names = failed.map(({ name }) => name).join(", ");
  const rest = built.length === 0 ? "none was built" : `${built.join(", ")} ${built.length === 1 ? "is" : "are"} there`;
  return new BtError("BAZEL_BUILDER_ARCHES_FAILED", `The builder could not be built for ${names}; ${rest}`, {
    exitCode,
    detail: failed.map(({ name, problem }) => `${name}: ${problem}`),
    fix: "Correct what is listed, then run the same again: only what is missing is built.",
  });
}

export function assignmentCount(
  at: Place,
  facts: { readonly what: string; readonly lines: readonly string[] },
): BtError {
  const { what, lines } = facts;
  const count = lines.length === 0 ? "has no assignment" : `has ${lines.length} assignments`;
  return new BtError("BAZEL_BUILDER_ASSIGNMENT", `"${at.where}" ${count} of ${what}, and must have one`, {
    at,
    detail: lines,
    isRefusal: true,
    fix: lines.length === 0 ? "Correct `writeBack` in the builderfile." : "Leave one of them.",
  });
}

export function baseMissing(variant: string, arch: string): BtError {
  return new BtError(
    "BAZEL_BUILDER_CROSS_BASE",
    `The cross image of "${variant}" needs the ${arch} image, which was not built`,
    { exitCode: 1, fix: `Correct the ${arch} image first.` },
  );
}

export function checkFailed(reference: string, findings: readonly Finding[]): BtError {
  const isAbsent = findings.every(({ kind }) => kind === "absent");
  const problem = isAbsent ? "is not in the registry" : "is not what it should be";
  return new BtError("BAZEL_BUILDER_NOT_VERIFIED", `${reference} ${problem}`, {
    exitCode: 6,
    detail: findings.map(({ text }) => text),
    fix: isAbsent
      ? "Publish it with `bt builder-publish`, or correct VERSION or DOCKER_PREFIX."
      : "Publish the version again under a new name, or correct the tags that are listed.",
  });
}

export function commitMissing(): BtError {
  return new BtError("BAZEL_BUILDER_COMMIT", "A version has the commit in it, and this is no git repository with one", {
    isRefusal: true,
    fix: "Set VERSION, or commit something.",
  });
}

export function engineMissing(tried: readonly string[]): BtError {
  return new BtError(
    "BAZEL_BUILDER_ENGINE",
    `Commands inside an image need buildah or podman, and there is neither: ${tried.join("; ")}`,
    { isRefusal: true, fix: "Install one: `apt-get install buildah`." },
  );
}

export function filesForeign(files: readonly string[], journal: string): BtError {
  const names = files.join(" and ");
  return new BtError(
    "BAZEL_BUILDER_FILES_FOREIGN",
    `Somebody changed ${names} while the version was written, or after that was interrupted`,
    {
      exitCode: 1,
      fix: `Put back what git has, \`git checkout -- ${files.join(" ")}\`, remove "${journal}", and run it again.`,
    },
  );
}

export function hostMissing(variable: string, prefix: string): BtError {
  return new BtError("BAZEL_BUILDER_HOST", `${variable} is "${prefix}", which names no registry`, {
    isRefusal: true,
    fix: `Set it to registry and namespace, for example ${variable}=quay.io/${prefix}.`,
  });
}

export function imageGap(image: string, tag: string, arches: readonly string[]): BtError {
  return new BtError(
    "BAZEL_BUILDER_IMAGE_GAP",
    `The index ${image}:${tag} lacks ${arches.join(", ")}, which this run did not push`,
    { exitCode: 6, fix: `Push them, or name in \`arches\` of the image which ones it has.` },
  );
}

export function imageUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError(
    "BAZEL_BUILDER_IMAGE_UNKNOWN",
    `PUSH_TARGETS has "${name}", which is no image of the builderfile`,
    {
      isRefusal: true,
      fix: near === undefined ? `Use some of ${known.join(", ")}.` : `Write "${near}".`,
    },
  );
}

export function labelOutputs(label: string, outputs: readonly string[]): BtError {
  return new BtError(
    "BAZEL_BUILDER_OUTPUT",
    `Bazel's target "${label}" has ${outputs.length} files, and one is needed`,
    {
      exitCode: 1,
      detail: outputs,
      fix: "Name the target of the program itself.",
    },
  );
}

export function optionWrong(option: string, problem: string, site: { readonly stack?: string }): BtError {
  return new BtError("BAZEL_BUILDER_OPTION", `The option "${option}" of bazelBuilder() is wrong: ${problem}`, {
    site,
    isRefusal: true,
    fix: "Correct it in the builderfile.",
  });
}

export function recordDamaged(file: string, cause: unknown): BtError {
  return new BtError("BAZEL_BUILDER_RECORD", `The record "${file}" cannot be read`, {
    exitCode: 1,
    cause,
    fix: "Remove it; the next `bt builder-build` writes it again.",
  });
}

export function smokeFailed(failed: readonly string[]): BtError {
  return new BtError(
    "BAZEL_BUILDER_SMOKE",
    `${failed.length === 1 ? "A command does" : `${failed.length} commands do`} not work inside the images`,
    {
      exitCode: 6,
      detail: failed,
      fix: "Correct the Dockerfile, or `smoke` of the variant.",
    },
  );
}

export function templateFailed(failed: readonly { readonly file: string; readonly said: string }[]): BtError {
  return new BtError(
    "BAZEL_BUILDER_TEMPLATE",
    `${failed.length === 1 ? "A template" : `${failed.length} templates`} could not be filled in; the manifests are as they were`,
    {
      exitCode: 1,
      detail: failed.map(({ file, said }) => `${file}: ${said}`),
      fix: "Correct what is listed.",
    },
  );
}

export function templatesMissing(folder: string): BtError {
  return new BtError("BAZEL_BUILDER_TEMPLATES", `There is no "*.yaml.in" below "${folder}"`, {
    isRefusal: true,
    fix: "Correct `manifests.sources` in the builderfile.",
  });
}

export function versionUnknown(variant: string): BtError {
  return new BtError("BAZEL_BUILDER_VERSION", `No VERSION is given, and no builder "${variant}" was built here`, {
    isRefusal: true,
    fix: "Set VERSION, or run `bt builder-build` first.",
  });
}

/** The same failure with the exit code that scripts know it by: 7 when a registry refused, failed, or has something else. */
export function asRegistryFailure(error: unknown): unknown {
  if (!(error instanceof BtError) || error.exitCode > 2) return error;
  const { code, message, fix, at, detail, cause } = error;
  const exitCode = findRegistryCode(code);
  return exitCode === undefined
    ? error
    : new BtError(code, message, { fix, detail, cause, exitCode, ...(at && { at }) });
}

/** The exit code of a failure that registries, or images in them, are the reason of. */
export function findRegistryCode(code: string): number | undefined {
  if (/^MANIFEST_(IMAGES_BROKEN|CONFIG_MISMATCH)$/.test(code)) return 6;
  const isOwn = /^REGISTRY_|^MANIFEST_(TAG_EXISTS|TAG_MOVED|TAG_NOT_READ|ROLLED_BACK|CHILD_MISSING)$/.test(code);
  return isOwn || code === "IMAGES_BASE_PLATFORM" ? 7 : undefined;
}
