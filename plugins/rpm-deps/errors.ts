/** Every message about what a builderfile, a pins file or a repository list says. Knows only BtError. */
import { BtError, closest, type Place } from "../../core/index.ts";
import { pinVariable } from "./spec.ts";

export function bazelFileMalformed(expected: string, place: Place): BtError {
  return new BtError("RPM_DEPS_BAZEL_FILE_MALFORMED", `${place.where} cannot be read: ${expected}`, {
    at: place,
    isRefusal: true,
    fix: "Correct that line; `buildifier` finds such mistakes too.",
  });
}

export function bazelFileMissing(file: string, cause: unknown): BtError {
  return new BtError("RPM_DEPS_BAZEL_FILE_MISSING", `There is no file "${file}"`, {
    cause,
    isRefusal: true,
    fix: `Create it (it may be empty), or name another one in \`outputs\`.`,
  });
}

export function importExists(file: string): BtError {
  return new BtError("RPM_DEPS_IMPORT_EXISTS", `The file "${file}" is there already`, {
    isRefusal: true,
    fix: "Move it away, or say --force to write over it.",
  });
}

export function importMissing(file: string, cause: unknown): BtError {
  return new BtError("RPM_DEPS_IMPORT_MISSING", `There is no script "${file}"`, {
    cause,
    isRefusal: true,
    fix: "Name it with SCRIPT=FILE, relative to the builderfile.",
  });
}

export function importMalformed(problem: string, place: Place): BtError {
  return new BtError("RPM_DEPS_IMPORT", `${place.where} cannot be turned into a builderfile: ${problem}`, {
    at: place,
    isRefusal: true,
    fix: "Write that part of the builderfile by hand, or take the line out of a copy of the script and import the copy.",
  });
}

export function optionsInvalid(problem: string, fix: string): BtError {
  return new BtError("RPM_DEPS_OPTIONS", problem, { isRefusal: true, fix });
}

export function pinAmbiguous(pin: string, text: string, candidates: readonly string[]): BtError {
  return new BtError("RPM_DEPS_PIN_AMBIGUOUS", `The pin ${pin} is "${text}" without an epoch, and there are several`, {
    detail: candidates,
    isRefusal: true,
    fix: `Write one of them in full, for example "${candidates[0] ?? ""}".`,
  });
}

export function pinMalformed(pin: string, text: string, place: Place): BtError {
  return new BtError("RPM_DEPS_PIN_MALFORMED", `The pin ${pin} is "${text}", which is no version of an rpm`, {
    at: place,
    isRefusal: true,
    fix: "Write EPOCH:VERSION-RELEASE, such as 17:8.0.0-13.el9, or nothing for any version.",
  });
}

export function pinMissing(
  asked: {
    readonly pin: string;
    readonly spec: string;
    readonly group: string;
    readonly stream: string;
    readonly file: string;
  },
  known: readonly string[],
): BtError {
  const { pin, spec, group, stream, file } = asked;
  const near = closest(pin, known);
  return new BtError(
    "RPM_DEPS_PIN_MISSING",
    `Group "${group}" wants "${spec}", but ${file} has no pin ${pin} for ${stream}`,
    {
      fix:
        near === undefined
          ? `Add "${pin}" to "${stream}" in ${file}; an empty text means any version.`
          : `Write {${near}} in the group, or add "${pin}" to "${stream}" in ${file}.`,
    },
  );
}

export function pinsMalformed(file: string, problem: string, place: Place): BtError {
  return new BtError("RPM_DEPS_PINS_MALFORMED", `The pins file ${file} cannot be read: ${problem}`, {
    at: place,
    isRefusal: true,
    fix: 'Write JSON such as {"cs9": {"QEMU": "17:8.0.0-13.el9"}}.',
  });
}

export function pinsMissing(file: string, cause: unknown): BtError {
  return new BtError("RPM_DEPS_PINS_MISSING", `There is no pins file "${file}"`, {
    cause,
    isRefusal: true,
    fix: "Create it, for example with `bt rpm-deps:import`, or correct `pinsFile`.",
  });
}

export function pinUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("RPM_DEPS_NAME_UNKNOWN", `"${name}" is neither a pin nor a group`, {
    detail: [`known: ${[...known].sort().join(" ")}`],
    isRefusal: true,
    fix: near === undefined ? "Name a pin or a group of the builderfile." : `Write "${near}".`,
  });
}

export function repofileMalformed(file: string, problem: string, place: Place): BtError {
  return new BtError("RPM_DEPS_REPOFILE_MALFORMED", `The repository list ${file} cannot be used: ${problem}`, {
    at: place,
    isRefusal: true,
    fix: "Write a list `repositories`, each with `name` and `baseurl` or `metalink`.",
  });
}

export function repofileMissing(file: string, cause: unknown): BtError {
  return new BtError("RPM_DEPS_REPOFILE_MISSING", `There is no repository list "${file}"`, {
    cause,
    isRefusal: true,
    fix: "Create it, or correct `repofiles` or CUSTOM_REPO.",
  });
}

export function specMalformed(group: string, spec: string): BtError {
  return new BtError("RPM_DEPS_SPEC_MALFORMED", `Group "${group}" wants "${spec}", which is no package`, {
    isRefusal: true,
    fix: "Write a name, such as tar, or a name and a pin, such as qemu-img-{QEMU}.",
  });
}

export function streamUnknown(text: string, streams: readonly string[]): BtError {
  const near = closest(text, streams);
  return new BtError("RPM_DEPS_STREAM_UNKNOWN", `There is no stream "${text}"; there are ${streams.join(", ")}`, {
    isRefusal: true,
    fix: near === undefined ? "Name one of them, or declare it in `streams`." : `Write "${near}".`,
  });
}

/** What a validator says about a pin that a variable gives. */
export function pinExpectation(pin: string): string {
  return `${pinVariable(pin)} has to be EPOCH:VERSION-RELEASE, such as 17:8.0.0-13.el9, and nothing else`;
}
