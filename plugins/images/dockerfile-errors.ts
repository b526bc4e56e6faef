/** Every message about the text of a Dockerfile. Knows only BtError; messages about files and images are in errors.ts. */
import { BtError, closest, type Place } from "../../core/index.ts";

/** What to do when only another engine can. */
const chooseEngine =
  "build this image in a task that calls an engine that can: `buildah build`, `podman build` or `docker build`";

export function dockerfileEmpty(file: string): BtError {
  return new BtError("IMAGES_DOCKERFILE_EMPTY", `"${file}" has no FROM`, {
    at: { where: file },
    fix: "Begin it with the image to build on: FROM scratch, or FROM IMAGE.",
  });
}

export function dockerfileMissing(file: string, cause: unknown): BtError {
  return new BtError("IMAGES_DOCKERFILE_MISSING", `There is no Dockerfile "${file}"`, {
    cause,
    fix: "Create it, or name the file that is there.",
  });
}

export function flagUnknown(
  at: Place,
  facts: { readonly keyword: string; readonly name: string; readonly known: readonly string[] },
): BtError {
  const near = closest(facts.name, facts.known);
  const all = facts.known.map((name) => `--${name}`).join(", ");
  return new BtError("IMAGES_FLAG_UNKNOWN", `${facts.keyword} has no flag "--${facts.name}"`, {
    at,
    fix: near === undefined ? `Use one of ${all}.` : `Use "--${near}"; ${facts.keyword} has ${all}.`,
  });
}

export function flagUnsupported(at: Place, keyword: string, name: string): BtError {
  return new BtError("IMAGES_FLAG_UNSUPPORTED", `The embedded engine cannot obey ${keyword} --${name}`, {
    at,
    fix: `Remove the flag, or choose an engine that can: set \`engine\` to "docker" in the builderfile, or say ENGINE=docker.`,
  });
}

export function fromCircle(at: Place, reference: string): BtError {
  return new BtError("IMAGES_FROM_CIRCLE", `"${reference}" is a stage that begins here or later`, {
    at,
    fix: "Move that stage up: a stage can only use those above it.",
  });
}

export function fromUnset(at: Place, text: string): BtError {
  return new BtError("IMAGES_FROM_UNSET", `"${text}" is empty after its variables are replaced`, {
    at,
    fix: "Give the ARG before the first FROM a default, or pass it as a build argument.",
  });
}

export function instructionMalformed(at: Place, keyword: string, problem: string): BtError {
  return new BtError("IMAGES_INSTRUCTION_MALFORMED", `${keyword} cannot be read: ${problem}`, {
    at,
    fix: `Write the ${keyword} as the Dockerfile reference says.`,
  });
}

export function instructionMisplaced(at: Place, keyword: string): BtError {
  const nested = keyword.startsWith("ONBUILD");
  return new BtError(
    "IMAGES_INSTRUCTION_MISPLACED",
    nested ? `${keyword} is not possible` : `${keyword} stands before the first FROM`,
    {
      at,
      fix: nested
        ? "Use a base image without this trigger."
        : `Move the ${keyword} below a FROM; only ARG may stand before it.`,
    },
  );
}

export function instructionUnknown(at: Place, keyword: string, known: readonly string[]): BtError {
  const near = closest(keyword, known);
  return new BtError("IMAGES_INSTRUCTION_UNKNOWN", `There is no instruction "${keyword}"`, {
    at,
    fix: near === undefined ? `Use one of ${known.join(", ")}.` : `Use ${near}.`,
  });
}

export function runUnsupported(at: Place, text: string): BtError {
  return new BtError(
    "IMAGES_RUN_UNSUPPORTED",
    `The embedded engine cannot run commands, and this stage is needed: \`${text}\``,
    {
      at,
      fix: `Take it out and COPY what it makes, or ${chooseEngine}.`,
    },
  );
}

export function stageMissing(at: Place, name: string, names: readonly string[]): BtError {
  const near = closest(name, names);
  const stages =
    names.length === 0
      ? "no stage above has a name"
      : `the stages above are ${names.map((known) => `"${known}"`).join(", ")}`;
  return new BtError("IMAGES_STAGE_MISSING", `"${name}" names no stage above; ${stages}`, {
    at,
    fix:
      near === undefined
        ? "Name one of the stages above, or give an image with its registry."
        : `Use "${near}", or write an image with its registry or tag.`,
  });
}

export function stageTwice(at: Place, name: string, line: number): BtError {
  return new BtError("IMAGES_STAGE_TWICE", `Two stages are called "${name}", the first in line ${line}`, {
    at,
    fix: "Rename one of them.",
  });
}

export function targetUnknown(file: string, target: string, names: readonly string[]): BtError {
  const near = closest(target, names);
  const known =
    names.length === 0 ? "none of its stages has a name" : `it has ${names.map((name) => `"${name}"`).join(", ")}`;
  return new BtError("IMAGES_TARGET_UNKNOWN", `"${file}" has no stage "${target}"; ${known}`, {
    at: { where: file },
    fix:
      near === undefined ? `Add "AS ${target}" to a FROM, or name a stage by its number from 0 on.` : `Use "${near}".`,
  });
}

export function urlRefused(at: Place, url: string): BtError {
  return new BtError("IMAGES_URL_REFUSED", `The embedded engine does not download "${url}"`, {
    at,
    fix: `Download it in a task of its own and COPY the file. Or ${chooseEngine}.`,
  });
}

export function variableMalformed(at: Place, text: string, problem: string): BtError {
  return new BtError("IMAGES_VARIABLE_MALFORMED", `The variables of \`${text}\` cannot be replaced: ${problem}`, {
    at,
    fix: "Write the variable or quote in full, or put the escape character before it.",
  });
}

export function variableRequired(at: Place, name: string, message: string): BtError {
  return new BtError(
    "IMAGES_VARIABLE_REQUIRED",
    `The variable "${name}" is not set${message === "" ? "" : `: ${message}`}`,
    {
      at,
      fix: `Pass ${name} as a build argument, or give its ARG a default.`,
    },
  );
}
