/** Every message about the tasks of an image family. Knows only BtError; messages about its table are in table-errors.ts. */
import { BtError, type Place } from "../../../core/index.ts";
import { nearestOf } from "./table-errors.ts";

type At = Place | undefined;

export function argUndeclared(
  facts: {
    readonly name: string;
    readonly version: string;
    readonly dockerfile: string;
    readonly declared: readonly string[];
    readonly isRendered: boolean;
  },
  at: At,
): BtError {
  const { name, version, dockerfile, declared } = facts;
  const file = facts.isRendered ? `the template of version "${version}"` : `"${dockerfile}"`;
  const known = declared.length === 0 ? "it declares none" : `it declares ${declared.join(", ")}`;
  return new BtError("IMAGES_FAMILY_ARG", `${file} does not declare the build argument "${name}": ${known}`, {
    ...where(at),
    fix: `Add \`ARG ${name}\` to ${file}, or remove "${name}" from the \`args\` of version "${version}".`,
  });
}

export function baseUnknown(dockerfile: string): BtError {
  return new BtError("IMAGES_FAMILY_BASE", `The last stage of "${dockerfile}" has no base image to start`, {
    fix: "Name an image: IMAGE=built, or IMAGE=REFERENCE.",
  });
}

export function buildxMissing(): BtError {
  return new BtError("IMAGES_FAMILY_BUILDX", "docker has no buildx, which builds several platforms", {
    exitCode: 1,
    fix: "Install it: `apt-get install docker-buildx`, or use CONTAINER_CLI=buildah.",
  });
}

export function ciMalformed(file: string, problem: string): BtError {
  return new BtError("IMAGES_FAMILY_CI", `"${file}" cannot be edited: ${problem}`, {
    at: { where: file },
    fix: "Write its jobs as a block list below `tests:`, or name another file with OUT.",
  });
}

export function ciStale(file: string, diff: readonly string[]): BtError {
  return new BtError("IMAGES_FAMILY_CI_STALE", `"${file}" is not what the table says`, {
    at: { where: file },
    exitCode: 1,
    detail: diff,
    fix: `Run \`bt family:ci FORMAT=openshift OUT=${file}\` and commit the result.`,
  });
}

export function checkFailed(count: number): BtError {
  return new BtError("IMAGES_FAMILY_CHECK", `family:check found ${count === 1 ? "1 mistake" : `${count} mistakes`}`, {
    exitCode: 1,
    fix: "Correct the lines above.",
  });
}

export function commandEnded(command: string, code: number): BtError {
  return new BtError("IMAGES_FAMILY_EXIT", `\`${command}\` exited with ${code}`, {
    exitCode: code,
    fix: "Read what it printed.",
  });
}

export function daemonUnreachable(address: string): BtError {
  return new BtError("IMAGES_FAMILY_DAEMON", `There is no docker daemon at ${address}`, {
    fix: "Start it, name another one with DOCKER_HOST, or use CONTAINER_CLI=buildah, which needs none.",
  });
}

export function dockerfileMissing(version: string, dockerfile: string, at: At): BtError {
  return new BtError("IMAGES_FAMILY_DOCKERFILE", `Version "${version}" has no Dockerfile "${dockerfile}"`, {
    ...where(at),
    fix: `Create it, let \`bt family:new V=${version} FROM=…\` copy one, or correct \`dockerfile\`.`,
  });
}

export function editDeclined(file: string, snippet: readonly string[], at: At): BtError {
  return new BtError(
    "IMAGES_FAMILY_EDIT",
    `The table in "${file}" is not plain enough to be edited; nothing was changed`,
    {
      at: at ?? { where: file },
      exitCode: 1,
      detail: snippet,
      fix: "Make this change by hand.",
    },
  );
}

export function engineUnknown(program: string): BtError {
  const name = program.slice(program.lastIndexOf("/") + 1);
  return new BtError("IMAGES_FAMILY_ENGINE", `CONTAINER_CLI is "${program}", which is no container engine bt knows`, {
    fix: `Use ${nearestOf(name, ["docker", "podman", "buildah"])}.`,
  });
}

export function familyUnknown(name: string | undefined, known: readonly string[]): BtError {
  const problem = name === undefined ? "There are several image families" : `There is no image family "${name}"`;
  return new BtError("IMAGES_FAMILY_UNKNOWN", problem, {
    fix: `Set FAMILY to ${name === undefined ? `one of ${known.join(", ")}` : nearestOf(name, known)}.`,
  });
}

/** `mode`: what EMULATION is. */
export function formatUnknown(arch: string, mode: string): BtError {
  return new BtError(
    "IMAGES_FAMILY_EXEC_FORMAT",
    `exec format error: this machine cannot run programs of ${arch} by itself`,
    {
      exitCode: 1,
      fix:
        mode === "none"
          ? "Leave EMULATION at auto: qemu-user-static runs them."
          : "Install the emulator: `apt-get install qemu-user-static`.",
    },
  );
}

export function imageWrong(ref: string, facts: { readonly found: string; readonly expected: string }): BtError {
  return new BtError("IMAGES_FAMILY_IMAGE", `"${ref}" is for ${facts.found}, and ${facts.expected} was asked for`, {
    exitCode: 1,
    fix: `Name an image for ${facts.expected} with IMAGE=REFERENCE.`,
  });
}

export function indexMissing(
  ref: string,
  { platforms, found }: { readonly platforms: readonly string[]; readonly found: readonly string[] },
): BtError {
  const what = `${ref} is for ${found.length === 0 ? "no platform" : found.join(", ")}`;
  return new BtError("IMAGES_FAMILY_INDEX", `${what}, not an index of ${platforms.join(", ")}`, {
    exitCode: 1,
    fix: "Push again; moving tags that were there name what they did before.",
  });
}

export function loadSeveral(task: string, platforms: readonly string[]): BtError {
  return new BtError("IMAGES_FAMILY_LOAD", `docker cannot --load ${platforms.length} platforms at once`, {
    at: { where: `task "${task}_multi"` },
    fix: `Set PLATFORMS=${platforms[0] ?? "linux/amd64"}, or leave BUILDX_OUTPUT empty for an OCI archive.`,
  });
}

export function platformsDiffer(
  task: string,
  { given, declared }: { readonly given: readonly string[]; readonly declared: readonly string[] },
): BtError {
  return new BtError(
    "IMAGES_FAMILY_PLATFORMS",
    `PLATFORMS is ${given.join(",")}, but the version is declared for ${declared.join(",")}`,
    {
      at: { where: `task "${task}.push_multi"` },
      fix: `Unset PLATFORMS, or change \`platforms\` in the table; \`${task}_multi\` builds any set.`,
    },
  );
}

export function pushLost(ref: string): BtError {
  return new BtError("IMAGES_FAMILY_LOST", `The registry does not have ${ref}, which was just pushed`, {
    exitCode: 1,
    fix: "Look at the registry's log, and push again; moving tags that were there name what they did before.",
  });
}

export function pushRefused(ref: string, answer: string, isDenied: boolean): BtError {
  return new BtError("IMAGES_FAMILY_REFUSED", `${ref} was not pushed: ${answer}`, {
    exitCode: 1,
    fix: isDenied
      ? "Log in with `buildah login` or `docker login`, or name an auth file with REGISTRY_AUTH_FILE."
      : "Run it again when the registry is well; what it has by then is not sent again.",
  });
}

export function pushSeveral(task: string, platforms: readonly string[]): BtError {
  return new BtError(
    "IMAGES_FAMILY_PUSH_SEVERAL",
    `${task}.push would replace an index of ${platforms.join(", ")} by one architecture`,
    { fix: `Run \`bt ${task}.push_multi\`.` },
  );
}

export function revisionUnknown(base: string, answer: string): BtError {
  return new BtError("IMAGES_FAMILY_REVISION", `BASE is "${base}", which is no commit that git knows here`, {
    isRefusal: true,
    detail: answer.split("\n").filter((line) => line !== ""),
    fix: "Name a branch, a tag or a commit: BASE=origin/main.",
  });
}

export function shellMissing(image: string): BtError {
  return new BtError("IMAGES_FAMILY_SHELL", `"${image}" has neither /bin/bash nor /bin/sh`, {
    exitCode: 1,
    fix: "Name a program that it has with CMD.",
  });
}

export function terminalMissing(task: string): BtError {
  return new BtError("IMAGES_FAMILY_TERMINAL", `${task}: there is no terminal for a shell, and no command`, {
    fix: `Run \`bt ${task}:run CMD="uname -m"\`.`,
  });
}

export function toolMissing(tool: string, install: string): BtError {
  return new BtError("IMAGES_FAMILY_TOOL", `There is no program "${tool}"`, {
    exitCode: 1,
    fix: `Install it: \`apt-get install ${install}\`.`,
  });
}

export function versionExists(version: string, file: string): BtError {
  return new BtError("IMAGES_FAMILY_EXISTS", `Version "${version}" is there already`, {
    at: { where: file },
    exitCode: 2,
    fix: "Choose another name with V.",
  });
}

export function versionNamed(version: string, users: readonly string[], at: At): BtError {
  return new BtError("IMAGES_FAMILY_NAMED", `Version "${version}" is still named by ${users.join(", ")}`, {
    ...where(at),
    fix: "Change these entries first.",
  });
}

export function versionUnknown(family: string, version: string, known: readonly string[]): BtError {
  return new BtError("IMAGES_FAMILY_VERSION", `"${family}" has no version "${version}"`, {
    fix: `Use ${nearestOf(version, known)}.`,
  });
}

function where(at: At): { readonly at?: Place } {
  return at === undefined ? {} : { at };
}
