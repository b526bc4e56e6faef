/** Every message about components, their sources and their images. Knows only BtError; those about variables and the release are in value-errors.ts. */
import { BtError, closest, type Place } from "../../core/index.ts";

export function binariesOutside(where: string, found: string): BtError {
  return new BtError("SIDE_IMAGES_TREE", `git takes "${found}" for the top of the source in ${where}`, {
    exitCode: 1,
    fix: "Remove that folder; bt checks the source out again.",
  });
}

export function commitMissing(commit: string, url: string, at: Place, output: readonly string[]): BtError {
  return new BtError("SIDE_IMAGES_COMMIT_MISSING", `There is no commit "${commit}" in ${url}`, {
    at,
    isRefusal: true,
    detail: output,
    fix: "Name a commit that the repository has, or see whether it can be reached.",
  });
}

export function commitOffline(commit: string, url: string, at: Place): BtError {
  return new BtError("SIDE_IMAGES_OFFLINE", `Commit "${commit}" of ${url} is not cached, and OFFLINE is set`, {
    at,
    isRefusal: true,
    fix: "Run once without OFFLINE.",
  });
}

export function componentMalformed(name: string, folder: string): BtError {
  return new BtError("SIDE_IMAGES_COMPONENT_NAME", `The folder "${name}" cannot be the name of an image`, {
    at: { where: folder },
    fix: "Use lower-case letters, digits, `.`, `_` and `-`, beginning with a letter or digit.",
  });
}

export function elfMachineWrong(
  cell: string,
  file: string,
  machine: { readonly expected: string; readonly found: string },
): BtError {
  return new BtError(
    "SIDE_IMAGES_ELF_MACHINE",
    `${cell}: the program "${file}" is for ${machine.found}, the image for ${machine.expected}`,
    {
      exitCode: 1,
      fix: `Let \`build_binaries\` compile for the architecture it is called with, or leave elfMachine out of \`overrides\`.`,
    },
  );
}

export function emulationImpossible(cell: string, at: Place, cause: BtError): BtError {
  return new BtError("SIDE_IMAGES_EMULATION", `${cell} runs commands of a foreign architecture: ${cause.message}`, {
    at,
    detail: cause.detail,
    cause,
    fix: cause.fix,
  });
}

export function entrypointMissing(cell: string, file: string, at: Place): BtError {
  return new BtError("SIDE_IMAGES_ENTRYPOINT", `${cell}: the image starts "${file}", which is not in it`, {
    at,
    exitCode: 1,
    fix: "COPY the program into the image, or correct ENTRYPOINT or CMD.",
  });
}

export function labelWrong(
  cell: string,
  name: string,
  value: { readonly expected: string; readonly found: string | undefined },
): BtError {
  const found = value.found === undefined ? "is not there" : `is "${value.found}"`;
  return new BtError("SIDE_IMAGES_LABEL", `${cell}: the label ${name} ${found} instead of "${value.expected}"`, {
    exitCode: 1,
    fix: "Correct the LABEL of the Dockerfile, or the rule in `overrides`.",
  });
}

export function layersForeign(cell: string, parent: string): BtError {
  return new BtError("SIDE_IMAGES_PARENT_LAYERS", `${cell} does not begin with the layers of ${parent}`, {
    exitCode: 1,
    fix: "Run again with `bt -B`; if it stays so, the engine has used another image: report it.",
  });
}

export function methodMissing(cell: string, folder: string, names: readonly string[], arch: string): BtError {
  return new BtError("SIDE_IMAGES_METHOD_MISSING", `Nothing says how to make the image ${cell}`, {
    at: { where: folder },
    detail: names.map((name) => `looked for ${name}`),
    fix: `Add one of these files, or set ALLOW_MISSING=${arch}.`,
  });
}

export function parentCircle(path: readonly string[]): BtError {
  return new BtError("SIDE_IMAGES_PARENT_CIRCLE", `Images are based on each other in a circle: ${path.join(" → ")}`, {
    fix: `Change the FROM of one of them.`,
  });
}

/** The tag comes from a command that runs when the graph is made already. */
export function parentUnseen(file: string, reference: string): BtError {
  return new BtError("SIDE_IMAGES_PARENT_TAG", `"${reference}" is an image of this run, but is named by its tag`, {
    at: { where: file },
    isRefusal: true,
    fix: "Write $RELEASE_TAG where the tag stands, so that the image is built before.",
  });
}

export function ruleFailed(cell: string, sentence: string): BtError {
  return new BtError("SIDE_IMAGES_RULE", `${cell}: ${sentence}`, {
    exitCode: 1,
    fix: "Correct the image, or the rule in `overrides`.",
  });
}

export function sourceIncomplete(component: string, has: "repo" | "commit", at: Place): BtError {
  const lacks = has === "repo" ? "commit" : "repo";
  return new BtError("SIDE_IMAGES_SOURCE_INCOMPLETE", `The component "${component}" has a ${has} and no ${lacks}`, {
    at,
    isRefusal: true,
    fix: `Add the file "${lacks}" beside it.`,
  });
}

export function sourceMalformed(component: string, what: "repo" | "commit", text: string, at: Place): BtError {
  return new BtError("SIDE_IMAGES_SOURCE_MALFORMED", `"${text}" is no ${what} that git can be given (${component})`, {
    at,
    isRefusal: true,
    fix:
      what === "repo"
        ? "Write a URL or a path that does not begin with `-`."
        : "Write 7 to 40 hexadecimal digits, or the name of a tag or branch.",
  });
}

export function sourceFileLines(at: Place, lines: number): BtError {
  const problem = lines === 0 ? "is empty" : `has ${lines} lines`;
  return new BtError("SIDE_IMAGES_SOURCE_LINES", `${at.where} ${problem}; it names one image`, {
    at,
    fix: "Write one reference in one line, such as quay.io/kubevirt/hostpath-provisioner:v0.10.0.",
  });
}

export function sourceValueUnknown(name: string, at: Place): BtError {
  const known = ["RELEASE_IMAGE_AMD64", "RELEASE_IMAGE_ARM64", "RELEASE_IMAGE"];
  const near = closest(name, known) ?? "RELEASE_IMAGE_AMD64";
  return new BtError("SIDE_IMAGES_SOURCE_VALUE", `"$${name}" is no value that bt knows`, {
    at,
    fix: `Write "$${near}" (RELEASE, OCP or OKD; with or without an architecture), or a reference.`,
  });
}

export function treeFailed(component: string, cause: unknown): BtError {
  return new BtError("SIDE_IMAGES_TREE_FAILED", `The work tree of ${component} cannot be made`, {
    exitCode: 1,
    cause,
    detail: [cause instanceof Error ? cause.message : String(cause)],
    fix: "See whether the disk is full and `.bt` can be written.",
  });
}
