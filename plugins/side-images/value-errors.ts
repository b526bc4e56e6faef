/** Every message about variables, options, the release tag and the release's references. Knows only BtError. */
import { BtError, closest, type Place } from "../../core/index.ts";

export function componentsMissing(dir: string): BtError {
  return new BtError("SIDE_IMAGES_COMPONENTS_MISSING", `There is no component below "${dir}/components"`, {
    fix: "Set `dir` to the folder that holds `components/`, relative to the project root.",
  });
}

export function componentUnknown(name: string, known: readonly string[], where: string): BtError {
  const near = closest(name, known);
  return new BtError(
    "SIDE_IMAGES_COMPONENT_UNKNOWN",
    `There is no component "${name}"; there are ${known.join(", ")}`,
    {
      at: { where },
      fix: near === undefined ? "Use one of them." : `Use "${near}".`,
    },
  );
}

export function archUnknown(name: string, known: readonly string[], where: string): BtError {
  const near = closest(name, known);
  return new BtError("SIDE_IMAGES_ARCH_UNKNOWN", `There is no architecture "${name}"; there are ${known.join(", ")}`, {
    at: { where },
    fix: near === undefined ? "Use one of them." : `Use "${near}".`,
  });
}

export function destinationMalformed(text: string, problem: string, fixed: string): BtError {
  return new BtError("SIDE_IMAGES_DEST_REGISTRY", `DEST_REGISTRY is "${text}", which ${problem}`, {
    fix: `Write "${fixed}".`,
  });
}

export function numberMalformed(text: string): BtError {
  return new BtError("SIDE_IMAGES_PARALLEL", `PARALLEL is "${text}", but takes yes, no or a number from 1 on`, {
    fix: "Use PARALLEL=yes.",
  });
}

export function releaseEntryMissing(
  value: string,
  component: string,
  at: Place,
  facts: { readonly release: string; readonly known: readonly string[] },
): BtError {
  const near = closest(component, facts.known);
  return new BtError("SIDE_IMAGES_RELEASE_ENTRY", `${value}: ${facts.release} has no image of "${component}"`, {
    at,
    isRefusal: true,
    detail: near === undefined ? [] : [`it has one of "${near}"`],
    fix: "Write a reference into that file, or set RELEASE_TAG to a release that has the image.",
  });
}

export function referencesFailed(command: string, code: string, output: readonly string[]): BtError {
  return new BtError("SIDE_IMAGES_REFERENCES_FAILED", `\`${command}\` ${code}`, {
    isRefusal: true,
    detail: output,
    fix: "Make that command work, or set `imageReferences: { file: … }`, or `false` where no component needs a release.",
  });
}

export function referencesMalformed(where: string, problem: string): BtError {
  return new BtError("SIDE_IMAGES_REFERENCES_MALFORMED", `The image references ${where} ${problem}`, {
    isRefusal: true,
    fix: "Give the output of `oc adm release extract RELEASE --file=image-references`, or set `imageReferences: false`.",
  });
}

export function referencesOffline(release: string): BtError {
  return new BtError(
    "SIDE_IMAGES_REFERENCES_OFFLINE",
    `The references of ${release} are not cached, and OFFLINE is set`,
    {
      isRefusal: true,
      fix: "Run once without OFFLINE, or set `imageReferences: { file: … }`.",
    },
  );
}

export function tagCommandFailed(command: string, problem: string, output: readonly string[]): BtError {
  return new BtError("SIDE_IMAGES_RELEASE_TAG", `The release tag cannot be read: \`${command}\` ${problem}`, {
    isRefusal: true,
    detail: output,
    fix: "Make that command print a tag, or set RELEASE_TAG.",
  });
}

export function tagMissing(file: string, problem: string): BtError {
  return new BtError("SIDE_IMAGES_RELEASE_TAG", `The release tag cannot be read: ${problem}`, {
    isRefusal: true,
    at: { where: file },
    fix: "Set RELEASE_TAG, or `releaseTag` in the builderfile: a tag, { goFile, goVar } or { cmd }.",
  });
}

export function programMissing(program: string, cells: string, install: string): BtError {
  return new BtError("SIDE_IMAGES_PROGRAM_MISSING", `\`${program}\` is not installed; ${cells}`, {
    isRefusal: true,
    fix: `Install it, on Debian with \`apt-get install ${install}\`.`,
  });
}

/** No engine, or not the one that was asked for. */
export function engineImpossible(cells: readonly string[], cause: BtError): BtError {
  return new BtError("SIDE_IMAGES_PROGRAM_MISSING", `${cause.message}; it is for ${cells.join(", ")}`, {
    isRefusal: true,
    detail: cause.detail,
    cause,
    fix: cause.fix,
  });
}

export function doctorFailed(missing: readonly string[]): BtError {
  return new BtError("SIDE_IMAGES_DOCTOR", `Missing: ${missing.join(", ")}`, {
    fix: "Install what the list above says.",
  });
}

export function digestsMissing(file: string): BtError {
  return new BtError("SIDE_IMAGES_DIGESTS_MISSING", `Nothing was published from here: there is no ${file}`, {
    fix: "Publish with `PUSH=yes bt side-images`.",
  });
}
